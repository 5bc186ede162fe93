/** What a camera writes about one picture. */
export interface Shot {
  readonly make: string;
  readonly model: string;
  readonly lens: string;
  /** The camera's clock, `2026:05:02 10:15:00`, its hundredths, and its offset from UTC. */
  readonly date: string;
  readonly hundredths: string;
  readonly offset: string;
  /** How the camera was held: 1 upright, 6 and 8 turned (Exif 3.0, tag 0x0112). */
  readonly orientation: 1 | 6 | 8;
  /** Denominator of the shutter time in seconds. */
  readonly shutter: number;
  readonly aperture: number;
  readonly focalMm: number;
  readonly iso: number;
  /** Things that must never reach a guest; null where the camera does not write them. */
  readonly secrets: {
    readonly owner: string;
    readonly serial: string;
    readonly latitude: number;
    readonly longitude: number;
  } | null;
}

type Entry = readonly [tag: number, type: number, count: number, data: Buffer];

/** Adds EXIF to a JPEG that has none. */
export function withExif(jpeg: Buffer, shot: Shot): Buffer {
  const payload = Buffer.concat([latin1("Exif\0\0"), buildTiff(shot, null)]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), marker, payload, jpeg.subarray(2)]);
}

/** A TIFF container as in a NEF: the facts of the shot, and the camera's own JPEG of it as a preview. */
export function buildRaw(shot: Shot, preview: Buffer): Buffer {
  return buildTiff(shot, preview);
}

/** Tags and types as numbered in TIFF 6.0 and Exif 3.0 (CIPA DC-008); little-endian; every directory after the first is pointed to. */
function buildTiff(shot: Shot, preview: Buffer | null): Buffer {
  const { secrets } = shot;
  const start = latin1("II*\0\x08\0\0\0");
  const camera = (exifAt: number, placeAt: number, previewAt: number) =>
    directory(start.length, [
      text(0x010f, shot.make),
      text(0x0110, shot.model),
      short(0x0112, shot.orientation),
      text(0x0132, shot.date),
      ...(secrets === null ? [] : [text(0x013b, secrets.owner)]),
      ...(preview === null ? [] : [long(0x014a, previewAt)]),
      long(0x8769, exifAt),
      ...(secrets === null ? [] : [long(0x8825, placeAt)]),
    ]);
  const exifAt = start.length + camera(0, 0, 0).length;
  const exif = directory(exifAt, [
    fraction(0x829a, [1, shot.shutter]),
    fraction(0x829d, [Math.round(shot.aperture * 10), 10]),
    short(0x8827, shot.iso),
    text(0x9003, shot.date),
    text(0x9011, shot.offset),
    text(0x9291, shot.hundredths),
    fraction(0x920a, [shot.focalMm, 1]),
    ...(secrets === null ? [] : [text(0xa430, secrets.owner), text(0xa431, secrets.serial)]),
    text(0xa434, shot.lens),
  ].toSorted((a, b) => a[0] - b[0])); // biome-ignore format: the order of tags is the point
  const placeAt = exifAt + exif.length;
  const place = secrets === null ? Buffer.alloc(0) : directory(placeAt, placeEntries(secrets));
  const previewAt = placeAt + place.length;
  const parts = [start, camera(exifAt, placeAt, previewAt), exif, place];
  if (preview === null) return Buffer.concat(parts);
  const pointers = (dataAt: number) =>
    directory(previewAt, [long(0x00fe, 1), long(0x0201, dataAt), long(0x0202, preview.length)]);
  return Buffer.concat([...parts, pointers(previewAt + pointers(0).length), preview]);
}

function placeEntries({ latitude, longitude }: NonNullable<Shot["secrets"]>): Entry[] {
  return [
    text(0x0001, latitude < 0 ? "S" : "N"),
    fraction(0x0002, ...degrees(latitude)),
    text(0x0003, longitude < 0 ? "W" : "E"),
    fraction(0x0004, ...degrees(longitude)),
  ];
}

/** Degrees, minutes and hundredths of seconds as fractions. */
function degrees(value: number): [number, number][] {
  const seconds = Math.round(Math.abs(value) * 360_000);
  return [
    [Math.floor(seconds / 360_000), 1],
    [Math.floor(seconds / 6000) % 60, 1],
    [seconds % 6000, 100],
  ];
}

/** One directory at that offset, with the values that do not fit into an entry behind it. */
function directory(at: number, entries: readonly Entry[]): Buffer {
  const table = Buffer.alloc(2 + 12 * entries.length + 4);
  table.writeUInt16LE(entries.length);
  const behind: Buffer[] = [];
  let end = at + table.length;
  entries.forEach(([tag, type, count, data], index) => {
    const entry = 2 + 12 * index;
    table.writeUInt16LE(tag, entry);
    table.writeUInt16LE(type, entry + 2);
    table.writeUInt32LE(count, entry + 4);
    if (data.length <= 4) data.copy(table, entry + 8);
    else {
      table.writeUInt32LE(end, entry + 8);
      behind.push(data);
      end += data.length;
    }
  });
  return Buffer.concat([table, ...behind]);
}

function text(tag: number, value: string): Entry {
  const bytes = Buffer.from(`${value}\0`, "latin1");
  const even = bytes.length > 4 && bytes.length % 2 === 1 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes;
  return [tag, 2, bytes.length, even];
}

function short(tag: number, value: number): Entry {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return [tag, 3, 1, bytes];
}

function long(tag: number, value: number): Entry {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return [tag, 4, 1, bytes];
}

function fraction(tag: number, ...values: readonly (readonly [number, number])[]): Entry {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach(([top, bottom], index) => {
    bytes.writeUInt32LE(top, 8 * index);
    bytes.writeUInt32LE(bottom, 8 * index + 4);
  });
  return [tag, 5, values.length, bytes];
}

function latin1(bytes: string): Buffer {
  return Buffer.from(bytes, "latin1");
}
