/** Adobe RGB (1998): primaries adapted to D50, as an ICC matrix profile holds them (Adobe RGB (1998) encoding, annex A). */
const COLUMNS = {
  rXYZ: [0.60974, 0.31111, 0.01947],
  gXYZ: [0.20528, 0.62567, 0.06087],
  bXYZ: [0.14919, 0.06322, 0.74457],
} as const;
const D50 = [0.9642, 1, 0.8249] as const;
/** Its gamma, 2 + 51/256, as u8Fixed8. */
const GAMMA = 0x0233;

/** Puts the Adobe RGB profile into a JPEG that only names that color space, so that the decoder respects it. */
export function withAdobeRgbProfile(jpeg: Buffer): Buffer {
  const profile = adobeRgbProfile();
  const marker = latin1("\xff\xe2\0\0ICC_PROFILE\0\x01\x01");
  marker.writeUInt16BE(marker.length - 2 + profile.length, 2);
  return Buffer.concat([jpeg.subarray(0, 2), marker, profile, jpeg.subarray(2)]);
}

/** A minimal ICC 2.1 display profile of Adobe RGB (1998), built from its published numbers (ICC.1:2001-04). */
function adobeRgbProfile(): Buffer {
  const curve = Buffer.concat([latin1("curv\0\0\0\0\0\0\0\x01"), Buffer.from([2, 0x33, 0, 0])]);
  curve.writeUInt16BE(GAMMA, 12);
  const tags: [string, Buffer][] = [
    ["desc", description("Compatible with Adobe RGB (1998)")],
    ["cprt", latin1("text\0\0\0\0No rights reserved\0\0")],
    ["wtpt", xyz(D50)],
    ...Object.entries(COLUMNS).map(([name, column]): [string, Buffer] => [name, xyz(column)]),
    ...["rTRC", "gTRC", "bTRC"].map((name): [string, Buffer] => [name, curve]),
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let at = 128 + table.length;
  tags.forEach(([name, data], index) => {
    table.write(name, 4 + 12 * index, "latin1");
    table.writeUInt32BE(at, 8 + 12 * index);
    table.writeUInt32BE(data.length, 12 + 12 * index);
    at += data.length;
  });
  return Buffer.concat([header(at), table, ...tags.map(([, data]) => data)]);
}

function header(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32BE(sizeBytes);
  bytes.writeUInt32BE(0x02100000, 8);
  bytes.write("mntrRGB XYZ ", 12, "latin1");
  bytes.write("acsp", 36, "latin1");
  xyz(D50).copy(bytes, 68, 8);
  return bytes;
}

/** `textDescriptionType`: the text, then empty Unicode and Macintosh ones; padded to four bytes. */
function description(text: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil((12 + text.length + 1 + 78) / 4) * 4);
  bytes.write("desc", "latin1");
  bytes.writeUInt32BE(text.length + 1, 8);
  bytes.write(text, 12, "latin1");
  return bytes;
}

function xyz(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.write("XYZ ", "latin1");
  values.forEach((value, index) => {
    bytes.writeInt32BE(Math.round(value * 65_536), 8 + 4 * index);
  });
  return bytes;
}

function latin1(bytes: string): Buffer {
  return Buffer.from(bytes, "latin1");
}
