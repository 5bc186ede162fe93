import { utimes, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { type Shot, withExif } from "./exif.ts";
import { drawVignette, type Frame, LIGHTS, type LightName, svg } from "./light.ts";
import { cloudNoise, type Random, seededRandom } from "./random.ts";
import { composeScene, type SceneName, type Veil } from "./scenes.ts";

sharp.cache(false);
sharp.concurrency(1);
// Only our own drawings are loaded here. Blocking holds for the whole process, which is why this task must never share
// one with `imaging/task.ts`: that one refuses SVG, this one needs it.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadSvgBuffer"] });

export interface DrawRequest {
  /** Absolute path; its folder exists. */
  readonly file: string;
  readonly scene: SceneName;
  readonly light: LightName;
  readonly seed: number;
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** What the camera says of it; its orientation lays the picture into the sensor's frame. */
  readonly exif: Shot;
  readonly modifiedMs: number;
}

/** Quarter turns that lay an upright picture into the sensor's frame. */
const TURN = { 1: 0, 6: 270, 8: 90 } as const;

/**
 * Draws one picture that could be a photo into a JPEG with EXIF; the same request draws the same bytes. Runs in a thread of
 * its own child: it must not share a process with `imaging/task.ts`, since the loaders it may use differ.
 */
export default async function draw(request: DrawRequest): Promise<void> {
  const { width, height, seed, exif } = request;
  const random = seededRandom(seed);
  const light = LIGHTS[request.light];
  const { back, veil, front } = composeScene(request.scene, { width, height }, light, random);
  const clouds = veil === null ? null : await drawVeil(veil, random, { width, height });
  const { data, info } = await sharp(Buffer.from(svg({ width, height }, back)))
    .composite([
      ...(clouds === null ? [] : [{ input: clouds, raw: { width, height, channels: 4 as const } }]),
      { input: Buffer.from(svg({ width, height }, front + drawVignette())) },
    ])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  addGrain(data, width, random, light.isNight ? 9 : 6);
  const jpeg = await sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .rotate(TURN[exif.orientation])
    .jpeg({ quality: 90 })
    .toBuffer();
  await writeFile(request.file, withExif(jpeg, exif));
  await utimes(request.file, request.modifiedMs / 1000, request.modifiedMs / 1000);
}

/** Clouds, mist or northern lights are soft: drawn this small and enlarged. */
const VEIL = { width: 240, height: 160 };

/** A veil of noise over the upper part of the frame, as RGBA pixels of its full size. */
async function drawVeil(veil: Veil, random: Random, frame: Frame): Promise<Buffer> {
  const { color, cover, until, coarse } = veil;
  const noise = cloudNoise(random, VEIL.width, VEIL.height, coarse);
  const rgb = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const pixels = Buffer.alloc(noise.length * 4);
  noise.forEach((value, index) => {
    const down = Math.floor(index / VEIL.width) / VEIL.height / until;
    const density = Math.max(0, Math.min(1, (value - 1 + cover) * 3.2)) * Math.max(0, 1 - down ** 3);
    pixels.set([...rgb, density * 225], index * 4);
  });
  return sharp(pixels, { raw: { ...VEIL, channels: 4 } })
    .resize({ ...frame, fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer();
}

/** Sensor noise: without it gradients band, and nothing looks like a photo. A tile is repeated with a shift per row. */
function addGrain(data: Buffer, width: number, random: Random, strength: number): void {
  const tile = Int8Array.from({ length: 65_536 }, () =>
    Math.round((random.next() + random.next() - 1) * strength),
  );
  const shifts = Array.from({ length: 64 }, () => Math.floor(random.next() * tile.length));
  const row = width * 3;
  for (let start = 0, y = 0; start < data.length; start += row, y++) {
    const shift = (shifts[y % 64] ?? 0) + y * 977;
    for (let at = 0; at < row; at++) {
      const value = (data[start + at] ?? 0) + (tile[(shift + at) & 0xffff] ?? 0);
      data[start + at] = Math.max(0, Math.min(255, value));
    }
  }
}
