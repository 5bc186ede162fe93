import { open } from "node:fs/promises";

/** What the kernel sent to a disk, in order. */
export interface LogEntry {
  /** Everything sent before it is safe once it is done. */
  readonly isFlush: boolean;
  /** Where it went on the disk, and where its bytes are in the log; both are 0 long for a bare flush. */
  readonly diskOffset: number;
  readonly logOffset: number;
  readonly sizeBytes: number;
  /** The log's size when it had been written. */
  readonly endOffset: number;
}

/** Sectors of the log, so that a torn write is torn where a disk tears it; also the size of its headers. */
export const SECTOR_BYTES = 4096;

const FLUSH = 1;
/** Fields of 64 bits: sector, sectors, flags, bytes of a mark (linux/Documentation/admin-guide/device-mapper/log-writes.rst). */
const HEADER_BYTES = 32;

/** Reads what `blklogwrites` of QEMU has written: the format of dm-log-writes. */
export async function readWriteLog(path: string): Promise<readonly LogEntry[]> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(HEADER_BYTES);
    const entries: LogEntry[] = [];
    // The first sector describes the log.
    for (let at = SECTOR_BYTES; at < size; ) {
      await file.read(header, 0, HEADER_BYTES, at);
      const [sector, sectors, flags] = [0, 8, 16].map((field) => Number(header.readBigUInt64LE(field)));
      if (sector === undefined || sectors === undefined || (flags !== 0 && flags !== FLUSH))
        throw new Error(`the log has an entry of a kind (${flags}) that was not asked for`);
      const logOffset = at + SECTOR_BYTES;
      const sizeBytes = sectors * SECTOR_BYTES;
      at = logOffset + sizeBytes;
      entries.push({
        isFlush: flags === FLUSH,
        diskOffset: sector * SECTOR_BYTES,
        logOffset,
        sizeBytes,
        endOffset: at,
      });
    }
    return entries;
  } finally {
    await file.close();
  }
}
