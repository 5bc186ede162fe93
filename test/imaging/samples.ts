import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import sharp, { type Sharp } from "sharp";
import type { Shot } from "../../src/imaging/demo/exif.ts";
import type { RenderRequest } from "../../src/imaging/task.ts";

export const corpus = join(import.meta.dirname, "../../../shared/corpus");

export type Color = readonly [number, number, number];

export const SHOT: Shot = {
  make: "NIKON CORPORATION",
  model: "NIKON Z 6_2",
  lens: "NIKKOR Z 50mm f/1.8 S",
  date: "2026:05:02 10:15:30",
  hundredths: "25",
  offset: "+02:00",
  orientation: 1,
  shutter: 250,
  aperture: 2.8,
  focalMm: 50,
  iso: 400,
  secrets: { owner: "Jane Doe", serial: "072021003947", latitude: 46.8523, longitude: 9.5316 },
};

/** A folder that is gone after the test file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A picture whose pixels are given by their place; made without any loader, since the task blocks most of them. */
export function picture(width: number, height: number, colorAt: (x: number, y: number) => Color): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set(colorAt(x, y), (y * width + x) * 3);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** A request for both renditions, to be written beside each other. */
export function requestFor(file: string, folder: string, change: Partial<RenderRequest> = {}): RenderRequest {
  return {
    file,
    kind: "picture",
    modifiedMs: Date.UTC(2026, 4, 2),
    maxPixels: 160e6,
    outputs: [
      { preset: "thumb", maxLongEdge: 480, quality: 80, file: join(folder, "out/thumb.jpg") },
      { preset: "share", maxLongEdge: 2048, quality: 90, file: join(folder, "out/share.jpg") },
    ],
    ...change,
  };
}

/** The color of a rendition's pixel, by fractions of its width and height. */
export async function colorOf(file: string, x = 0.5, y = 0.5): Promise<Color> {
  const { data, info } = await sharp(file).toColorspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels;
  return [
    data[at] ?? 0,
    data[at + (info.channels < 3 ? 0 : 1)] ?? 0,
    data[at + (info.channels < 3 ? 0 : 2)] ?? 0,
  ];
}

/** How far apart two colors are in their worst channel. */
export function distance(a: Color, b: Color): number {
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))));
}
