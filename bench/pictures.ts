import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

/** 24 megapixels, what most cameras make. */
const FRAME = { width: 6000, height: 4000 };
/** So few are drawn; the others differ by a comment in the file, which costs a decoder nothing. */
const DRAWN = 3;
/** Grain that makes a file of 8 to 10 MB at this quality, as cameras do. */
const GRAIN = 22;
const QUALITY = 92;

/** Makes a folder of so many different JPEGs of 24 megapixels, every third one upright. Returns their paths. */
export async function drawPictures(folder: string, count: number): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const drawn: Buffer[] = [];
  for (let number = 0; number < Math.min(DRAWN, count); number++) drawn.push(await draw(number));
  const paths: string[] = [];
  for (let number = 0; number < count; number++) {
    const path = join(folder, `IMG_${String(number + 1).padStart(4, "0")}.JPG`);
    await writeFile(path, withComment(drawn[number % drawn.length] ?? Buffer.of(), `picture ${number}`));
    paths.push(path);
  }
  return paths;
}

/** Light from one side, soft shapes, and grain over all: what a photo is to an encoder. */
async function draw(number: number): Promise<Buffer> {
  const { width, height } = FRAME;
  const hue = number * 120;
  const light = `<svg width="${width}" height="${height}"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="hsl(${hue},50%,75%)"/><stop offset="1" stop-color="hsl(${hue + 60},40%,25%)"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  const clouds = await noise({ width: 120, height: 80 }, 60)
    .resize({ ...FRAME, fit: "fill", kernel: "cubic" })
    .jpeg()
    .toBuffer();
  const grain = await noise(FRAME, GRAIN).png({ compressionLevel: 0 }).toBuffer();
  return sharp(Buffer.from(light))
    .composite([
      { input: clouds, blend: "soft-light" },
      { input: grain, blend: "soft-light" },
    ])
    .removeAlpha()
    .withExif({
      IFD0: { Make: "Bench", Model: "24 MP" },
      IFD2: { DateTimeOriginal: `2026:06:01 10:0${number}:00` },
    })
    .withMetadata({ orientation: number % 3 === 2 ? 6 : 1 })
    .jpeg({ quality: QUALITY })
    .toBuffer();
}

function noise(size: { width: number; height: number }, sigma: number) {
  return sharp({
    create: { ...size, channels: 3, background: "gray", noise: { type: "gaussian", mean: 128, sigma } },
  });
}

/** A JPEG with a comment segment after its first marker (ITU T.81, B.2.4.5). */
function withComment(jpeg: Buffer, comment: string): Buffer {
  const segment = Buffer.alloc(4 + comment.length);
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(2 + comment.length, 2);
  segment.write(comment, 4, "latin1");
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}
