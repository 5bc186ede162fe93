import { basename, join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";

// One picture a thread, as sharp's manual advises for many at once.
sharp.concurrency(1);
sharp.cache(false);

const { out, way } = workerData as { out: string; way: "clone" | "chain" };

parentPort?.on("message", (file: string) => {
  const name = join(out, basename(file));
  void (way === "clone" ? clone(file, name) : chain(file, name)).then(() => parentPort?.postMessage(null));
});

/** What most people write: one input, two outputs. libvips decodes it for each of them. */
async function clone(file: string, name: string): Promise<void> {
  const picture = sharp(file).autoOrient();
  await Promise.all([
    picture
      .clone()
      .resize({ width: 2048, height: 2048, fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 90, progressive: true })
      .toFile(`${name}-share.jpg`),
    picture
      .clone()
      .resize({ width: 480, height: 480, fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 78, progressive: true })
      .toFile(`${name}-thumb.jpg`),
  ]);
}

/** The least there is to do: one decode, the thumb from the pixels of the share. */
async function chain(file: string, name: string): Promise<void> {
  const { data, info } = await sharp(file)
    .autoOrient()
    .resize({ width: 2048, height: 2048, fit: "inside", withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = sharp(data, { raw: info });
  await Promise.all([
    pixels.clone().jpeg({ quality: 90, progressive: true }).toFile(`${name}-share.jpg`),
    pixels
      .clone()
      .resize({ width: 480, height: 480, fit: "inside" })
      .jpeg({ quality: 78, progressive: true })
      .toFile(`${name}-thumb.jpg`),
  ]);
}
