import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import { decode } from "../../src/imaging/decode.ts";
import { tempFolder } from "../support/temp.ts";

const MAX_PIXELS = 160e6;

/** A smooth picture with fine lines, as an encoder likes photos: noise would hide every difference. */
async function draw(file: string, width: number, height: number, orientation = 1): Promise<string> {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 3) {
      data[at] = (x * 255) / width;
      data[at + 1] = 128 + 60 * Math.sin(x / 40) * Math.cos(y / 60);
      data[at + 2] = x % 97 < 4 ? 220 : (y * 255) / height;
    }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation })
    .jpeg({ quality: 92 })
    .toFile(file);
  return file;
}

/** The same by sharp alone, every pixel decoded. */
async function decodedInFull(file: string, size: { width: number; height: number }): Promise<Buffer> {
  return sharp(file)
    .autoOrient()
    .resize({ ...size, fit: "fill", fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
}

function psnr(a: Buffer, b: Buffer): number {
  const squares = a.reduce((sum, value, at) => sum + (value - (b[at] ?? 0)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / a.length));
}

describe("decoding", () => {
  for (const [
    width,
    height,
    orientation,
  ] of [[1500, 1000, 1], [1501, 999, 6], [2100, 1401, 1], [4203, 800, 1]] as const) // biome-ignore format: a table reads in columns
    it(`shows of ${width} × ${height} what a full decode shows, upright`, async (t) => {
      const file = await draw(join(await tempFolder(t), "it's [a] picture.jpg"), width, height, orientation);
      const { pixels, note } = await decode(file, 512, MAX_PIXELS);
      assert.equal(note, null);
      assert.ok(pixels);
      const exactShort = (512 * Math.min(width, height)) / Math.max(width, height);
      const [long, short] = [pixels.width, pixels.height].toSorted((a, b) => b - a);
      assert.equal(long, 512);
      assert.ok(Math.abs((short ?? 0) - exactShort) <= 1, `${short} instead of ${exactShort}`);
      const likeness = psnr(pixels.data, await decodedInFull(file, pixels));
      assert.ok(likeness > 35, `PSNR ${likeness.toFixed(1)} dB`);
    });

  it("does not let a picture with too many pixels pass by making it smaller", async (t) => {
    const file = await draw(join(await tempFolder(t), "large.jpg"), 1500, 1000);
    const { pixels, note } = await decode(file, 512, 1_000_000);
    assert.equal(pixels, null);
    assert.match(note, /more than 1 megapixels/);
  });

  it("takes a name that ends like options of the decoder for a name", async (t) => {
    const file = await draw(join(await tempFolder(t), "picture.jpg[shrink=8]"), 640, 400);
    const { pixels } = await decode(file, 512, MAX_PIXELS);
    assert.deepEqual([pixels?.width, pixels?.height], [512, 320]);
  });

  it("decodes a panorama of many times the wanted size", async (t) => {
    const file = await draw(join(await tempFolder(t), "wide.jpg"), 9000, 200);
    const { pixels } = await decode(file, 512, MAX_PIXELS);
    assert.deepEqual([pixels?.width, pixels?.height], [512, 11]);
  });
});
