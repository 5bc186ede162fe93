import { crc32 } from "node:zlib";

/** One file of a zip. */
export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** As a clock on the wall showed it, in milliseconds since 1970 as if that were UTC; `null` when nobody knows. */
  readonly modifiedMs: number | null;
}

// Lengths, signatures and fields are those of PKWARE's APPNOTE.TXT 6.3.10, 4.3.7, 4.3.12 and 4.3.16.
const [LOCAL_BYTES, CENTRAL_BYTES, END_BYTES] = [30, 46, 22];
const [LOCAL_FILE, CENTRAL_FILE, END_OF_DIRECTORY] = [0x04034b50, 0x02014b50, 0x06054b50];
/** What a reader must know, 1.0: nothing is compressed. */
const VERSION = 10;
/** Made on Unix by the rules of 3.0, so that the mode holds, which lets everybody read the file once it is unpacked. */
const MADE_BY = (3 << 8) | 30;
const MODE = 0o100644 * 2 ** 16;
/** Names are UTF-8. */
const UTF8 = 1 << 11;

/** More than these would need the fields of ZIP64, which not every phone reads. */
export const MAX_ENTRIES = 0xffff - 1;

/** Bytes that one file takes in a zip. */
export function sizeInZip({ name, sizeBytes }: ZipEntry): number {
  return LOCAL_BYTES + CENTRAL_BYTES + 2 * Buffer.byteLength(name) + sizeBytes;
}

/** Bytes of the whole zip, known before anything is read. */
export function zipSize(entries: readonly ZipEntry[]): number {
  return entries.reduce((sum, entry) => sum + sizeInZip(entry), END_BYTES);
}

/**
 * The bytes of a zip without compression, which pictures would not gain from: always the same for the same entries. One file
 * at a time is in memory. Sizes and checksums stand before each file, so that it can be unpacked while it still comes in.
 * `read` must give exactly the announced number of bytes.
 */
export async function* zipBytes<Entry extends ZipEntry>(
  entries: readonly Entry[],
  read: (entry: Entry) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const bytes = await read(entry);
    if (bytes.length !== entry.sizeBytes)
      throw new Error(`${entry.name} has ${bytes.length} bytes instead of ${entry.sizeBytes}`);
    const name = Buffer.from(entry.name);
    const fields = fieldsOf(entry, name, crc32(bytes));
    directory.push(centralHeader(fields, name, offset));
    yield Buffer.concat([uint32(LOCAL_FILE), fields, name]);
    yield bytes;
    offset += LOCAL_BYTES + name.length + bytes.length;
  }
  const central = Buffer.concat(directory);
  yield central;
  yield endOf(entries.length, central.length, offset);
}

/** What both headers of a file say of it. */
function fieldsOf({ sizeBytes, modifiedMs }: ZipEntry, name: Buffer, crc: number): Buffer {
  const fields = Buffer.alloc(LOCAL_BYTES - 4);
  const [date, time] = dosTime(modifiedMs);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(UTF8, 2);
  fields.writeUInt16LE(time, 6);
  fields.writeUInt16LE(date, 8);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(sizeBytes, 14);
  fields.writeUInt32LE(sizeBytes, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function centralHeader(fields: Buffer, name: Buffer, offset: number): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(CENTRAL_FILE, 0);
  header.writeUInt16LE(MADE_BY, 4);
  fields.copy(header, 6);
  header.writeUInt32LE(MODE, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function endOf(entries: number, directoryBytes: number, directoryAt: number): Buffer {
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END_OF_DIRECTORY, 0);
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(directoryAt, 16);
  return end;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const [FIRST_YEAR, LAST_YEAR] = [1980, 2107];

/** Date and time as MS-DOS kept them, in steps of two seconds: local time, as a camera's clock is. */
function dosTime(ms: number | null): [date: number, time: number] {
  const at = new Date(ms ?? Number.NaN);
  const year = at.getUTCFullYear();
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR)) return [(1 << 5) | 1, 0];
  return [
    ((year - FIRST_YEAR) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  ];
}
