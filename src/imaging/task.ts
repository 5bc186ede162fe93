import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Capture } from "../domain/capture.ts";
import { Failure } from "../domain/failure.ts";
import type { MediaKind } from "../domain/media.ts";
import type { Derived, PresetName, Rendition } from "../domain/rendition.ts";
import { withAdobeRgbProfile } from "./adobe-rgb.ts";
import { decode, hasProfile, type Pixels } from "./decode.ts";
import { encodeJpeg, meanColor, shrink } from "./encode.ts";
import { captureOf, EXIF_BYTES, type ExifTags, isAdobeRgb, readTags } from "./exif.ts";

export interface RenderRequest {
  /** Absolute path of the kept original, a regular file of ours. */
  readonly file: string;
  readonly kind: MediaKind;
  readonly modifiedMs: number;
  readonly outputs: readonly RenderOutput[];
  /** A picture with more is refused before it is decoded. */
  readonly maxPixels: number;
}

export interface RenderOutput {
  readonly preset: PresetName;
  readonly maxLongEdge: number;
  readonly quality: number;
  /** Absolute path; its folder is made. */
  readonly file: string;
}

export interface RenderReply {
  readonly derived: Derived;
  readonly capture: Capture;
}

/** The most of a file that is held in memory: more than any camera's picture, less than a Raspberry Pi has to spare. */
const WHOLE_BYTES = 256 * 1024 * 1024;

const NO_PICTURE: Derived = { renditions: [], color: null, note: null };

/**
 * Makes every rendition of one original from one decode. Runs in a thread of a child that may be killed: plain message in,
 * plain message out. A picture that cannot be read is an answer with a note; only a failing disk throws (`disk-*`).
 */
export default async function render(request: RenderRequest): Promise<RenderReply> {
  const tags = readTags(await onDisk(request.file, readHead(request.file)));
  const derived = request.kind === "picture" ? await derive(request, tags) : NO_PICTURE;
  return { derived, capture: captureOf(tags, request.modifiedMs) };
}

async function derive({ file, outputs, maxPixels }: RenderRequest, tags: ExifTags): Promise<Derived> {
  const largestFirst = outputs.toSorted((a, b) => b.maxLongEdge - a.maxLongEdge);
  const largest = largestFirst[0];
  if (largest === undefined) return NO_PICTURE;
  let { pixels, note } = await decode(await sourceOf(file, tags), largest.maxLongEdge, maxPixels);
  // libvips says the same of a disk that fails as of a bad picture, and what is said here is said for good: so it is said of
  // bytes that the disk has given.
  if (note !== null) {
    const { size } = await onDisk(file, stat(file));
    if (size > 0 && size <= WHOLE_BYTES)
      ({ pixels, note } = await decode(await onDisk(file, readFile(file)), largest.maxLongEdge, maxPixels));
  }
  if (pixels === null) return { ...NO_PICTURE, note };
  const renditions: Rendition[] = [];
  let smaller = pixels;
  for (const output of largestFirst) {
    smaller = await shrink(smaller, output.maxLongEdge);
    renditions.push(await write(smaller, output));
  }
  return { renditions, color: meanColor(smaller), note };
}

/** The path, so that libvips reads only what it needs; the bytes where a profile has to be added. */
async function sourceOf(file: string, tags: ExifTags): Promise<string | Buffer> {
  if (!isAdobeRgb(tags) || (await hasProfile(file))) return file;
  const bytes = await onDisk(file, readFile(file));
  return bytes.readUInt16BE() === 0xffd8 ? withAdobeRgbProfile(bytes) : file;
}

/** Renditions can be made again at any time, so they are whole under their name but not synced. */
async function write(pixels: Pixels, { preset, quality, file }: RenderOutput): Promise<Rendition> {
  const bytes = await encodeJpeg(pixels, quality);
  const temporary = `${file}.${randomUUID()}.tmp`;
  await onDisk(file, replace(file, temporary, bytes));
  return {
    preset,
    width: pixels.width,
    height: pixels.height,
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

async function replace(file: string, temporary: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(temporary, bytes, { flag: "wx" });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(EXIF_BYTES), 0, EXIF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Errno of EDQUOT, which libuv does not name: it arrives as code `UNKNOWN`. */
const QUOTA_ERRNO = -122;

/** Translates what a disk reports, once, into the failures of the house. */
async function onDisk<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, errno } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    if (code === "ENOSPC" || errno === QUOTA_ERRNO)
      throw new Failure("disk-full", `There is no room for the picture ${file}.`, { cause });
    throw new Failure("disk-unwritable", `The disk failed at ${file} (${code}).`, { cause });
  }
}
