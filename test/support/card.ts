import { mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";

/** A small JPEG that is different for each number, with the capture time `2026-06-01 10:00:00` plus so many minutes. */
export async function picture(number: number, { width = 600, height = 400 } = {}): Promise<Buffer> {
  const at = new Date(Date.UTC(2026, 5, 1, 10, number));
  const text = at.toISOString().replace("T", " ").slice(0, 19).replaceAll("-", ":");
  const background = { r: (number * 53) % 256, g: (number * 97) % 256, b: (number * 31) % 256 };
  const mark = Buffer.from(
    `<svg width="${width}" height="${height}"><circle cx="${(number * 37) % width}" cy="${(number * 71) % height}" r="${40 + (number % 50)}" fill="#fff8"/></svg>`,
  );
  return sharp({ create: { width, height, channels: 3, background } })
    .composite([{ input: mark }])
    .withExif({ IFD0: { Make: "Test", Model: "Camera" }, IFD2: { DateTimeOriginal: text } })
    .jpeg({ quality: 80 })
    .toBuffer();
}

/** Makes a card's files below a folder; each is a minute younger than the one before. */
export async function makeCard(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<string> {
  for (const [index, [path, bytes]] of Object.entries(files).entries()) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
    const seconds = Date.UTC(2026, 5, 1, 10, index) / 1000;
    await utimes(file, seconds, seconds);
  }
  return folder;
}

/** A card of so many pictures in two folders, some with the same name. No other card whose numbers begin beyond has one of them. */
export async function pictureCard(folder: string, count: number, from = 0): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let number = 0; number < count; number++) {
    const name = `IMG_${String(1 + Math.floor(number / 2)).padStart(4, "0")}.JPG`;
    files[`DCIM/${number % 2 === 0 ? "100CANON" : "101NIKON"}/${name}`] = await picture(from + number);
  }
  return makeCard(folder, files);
}
