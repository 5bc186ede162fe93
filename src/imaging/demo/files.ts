import { seededRandom } from "./random.ts";

/** What a failing card gives back under a photo's name: a JPEG's first bytes, then noise. */
export function junk(sizeBytes: number): Buffer {
  const bytes = noise(sizeBytes, 4711);
  bytes.set([0xff, 0xd8, 0xff, 0xe1, 0x00, 0x10]);
  return bytes;
}

/** The skeleton of an MP4: the boxes a player looks for, and noise instead of film. */
export function tinyVideo(sizeBytes: number): Buffer {
  const head = Buffer.concat([box("ftyp", latin1("isom\0\0\x02\0isommp42")), box("moov", Buffer.alloc(0))]);
  return Buffer.concat([head, box("mdat", noise(sizeBytes - head.length - 8, 815))]);
}

/** An XMP sidecar with a rating, as a culling program leaves it. */
export function sidecar(rating: number): Buffer {
  return Buffer.from(
    `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
      `<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="${rating}"/></rdf:RDF></x:xmpmeta>\n`,
  );
}

function box(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, content]);
}

function noise(sizeBytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, () => random.next() * 256));
}

function latin1(bytes: string): Buffer {
  return Buffer.from(bytes, "latin1");
}
