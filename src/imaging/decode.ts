import { readFile } from "node:fs/promises";
import sharp from "sharp";

// One thread of the worker is one picture; libvips' own threads and cache would only add memory (measured: −180 MB).
sharp.cache(false);
sharp.concurrency(1);

// libvips picks a loader by content, so a name proves nothing: an SVG or PDF called .jpg must not be drawn. Only these
// formats are opened, from files and from bytes.
sharp.block({ operation: ["VipsForeignLoad"] });
const ALLOWED = ["Jpeg", "Png", "Tiff", "Webp", "Heif"].flatMap((format) => [
  `${format}File`,
  `${format}Buffer`,
]);
sharp.unblock({ operation: ALLOWED.map((loader) => `VipsForeignLoad${loader}`) });

/** Decoded pixels, 8 bits a channel, sRGB or gray, upright. */
export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** Pixels, with a note where they are not the whole picture; or no pixels, and the reason in plain words. */
export type Decoded =
  | { readonly pixels: Pixels; readonly note: string | null }
  | { readonly pixels: null; readonly note: string };

/**
 * Decodes a picture once, upright, in sRGB with its profile respected, on white where it is transparent, at most so large
 * on its long edge and never enlarged; the first page of several. A damaged one gives what is there, or a reason.
 */
export async function decode(
  source: string | Buffer,
  maxLongEdge: number,
  maxPixels: number,
): Promise<Decoded> {
  // libvips takes what stands in brackets at the end of a path for options.
  if (typeof source === "string" && source.endsWith("]"))
    return decode(await readFile(source), maxLongEdge, maxPixels);
  try {
    return { pixels: await read(source, maxLongEdge, maxPixels, "error"), note: null };
  } catch (strict) {
    try {
      const pixels = await read(source, maxLongEdge, maxPixels, "none");
      return { pixels, note: "The file is damaged: the picture shows what is there." };
    } catch {
      return { pixels: null, note: `No picture could be made of it: ${reason(strict, maxPixels)}.` };
    }
  }
}

async function read(
  source: string | Buffer,
  maxLongEdge: number,
  maxPixels: number,
  failOn: "error" | "none",
): Promise<Pixels> {
  const options = { failOn, limitInputPixels: maxPixels };
  const { data, info } = await sharp(await shrunkOnLoad(source, maxLongEdge, options), options)
    .autoOrient()
    .resize({ width: maxLongEdge, height: maxLongEdge, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "white" })
    .toColorspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** What libjpeg can shrink by while it decodes (libvips, `VipsForeignLoadJpeg:shrink`), most first. */
const SHRINKS = [8, 4, 2];

/**
 * The path of a JPEG with libvips' option to decode it smaller, though never below what is wanted. sharp does that by
 * itself, but takes one step less where the factor is near, for fear of a rounded pixel: 6000 pixels would be decoded in
 * full for 2048, in 1.5 to 2 times the time. The result differs by a PSNR of 47 dB or more: nothing anybody sees.
 */
async function shrunkOnLoad(
  source: string | Buffer,
  maxLongEdge: number,
  options: { readonly failOn: "error" | "none"; readonly limitInputPixels: number },
): Promise<string | Buffer> {
  if (typeof source !== "string") return source;
  const { format, width, height } = await sharp(source, options).metadata();
  const factor = Math.max(width, height) / maxLongEdge;
  const shrink = SHRINKS.find((step) => step <= factor);
  // Too many pixels are to be refused as they are. From 16 on sharp would shrink on load once more, and get it wrong.
  if (format !== "jpeg" || shrink === undefined || factor >= 16 || width * height > options.limitInputPixels)
    return source;
  return `${source}[shrink=${shrink}]`;
}

/** Whether a picture brings its own color profile; false where that cannot be told. */
export async function hasProfile(file: string): Promise<boolean> {
  const metadata = await sharp(file)
    .metadata()
    .catch(() => null);
  return metadata?.hasProfile ?? false;
}

/** sharp has no error codes; its messages start like these (0.35). Anything unknown is damage as far as a person can tell. */
function reason(error: unknown, maxPixels: number): string {
  const message = error instanceof Error ? error.message : "";
  if (message.includes("exceeds pixel limit"))
    return `it has more than ${Math.floor(maxPixels / 1e6)} megapixels`;
  if (message.includes("unsupported image format")) return "its content is no picture of a known format";
  return "its data is damaged";
}
