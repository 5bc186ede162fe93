import ExifReader from "exifreader";
import type { Capture } from "../domain/capture.ts";
import { captureFromFile, isTrustworthyDate } from "../domain/capture.ts";
import { cameraName, exposureText, shown } from "./camera-words.ts";

/** How much of a file is looked at: EXIF fills at most one 64 KiB JPEG segment; RAW and HEIC keep theirs near the front. */
export const EXIF_BYTES = 256 * 1024;

/** Dates in the order they are believed, each with the tags that refine it (Exif 3.0, CIPA DC-008, 4.6.5). */
const DATES = [
  ["DateTimeOriginal", "SubSecTimeOriginal", "OffsetTimeOriginal"],
  ["DateTimeDigitized", "SubSecTimeDigitized", "OffsetTimeDigitized"],
  ["DateTime", "SubSecTime", "OffsetTime"],
] as const;

/** The only tags that are ever read: place, serial number and owner do not even enter. */
const WANTED =
  `${DATES.flat().join(" ")} Make Model LensModel ExposureTime FNumber FocalLength ISOSpeedRatings
  PhotographicSensitivity ColorSpace InteroperabilityIndex`.split(/\s+/);

/** The wanted tags of a file as the reader found them. */
export type ExifTags = Readonly<Record<string, unknown>>;

/** Reads the wanted tags from the leading bytes of a JPEG, TIFF, PNG, WebP, HEIC or TIFF-based RAW; none where it cannot. */
export function readTags(head: Buffer): ExifTags {
  try {
    const { exif } = ExifReader.load(head.subarray(0, EXIF_BYTES), {
      expanded: true,
      includeTags: { exif: WANTED },
    });
    return { ...exif };
  } catch {
    // Whatever a stranger's file makes the reader throw means the same: this file says nothing about itself.
    return {};
  }
}

/** What the tags say of how the picture came to be; the file's own time where they give no believable date. */
export function captureOf(tags: ExifTags, modifiedMs: number): Capture {
  return {
    ...captureFromFile(modifiedMs),
    ...taken(tags),
    camera: cameraName(textOf(tags["Make"]), textOf(tags["Model"])),
    lens: shown(textOf(tags["LensModel"])),
    exposure: exposureText({
      seconds: ratioOf(tags["ExposureTime"]),
      aperture: ratioOf(tags["FNumber"]),
      focalMm: ratioOf(tags["FocalLength"]),
      iso: ratioOf(tags["ISOSpeedRatings"]) ?? ratioOf(tags["PhotographicSensitivity"]),
    }),
  };
}

/** Reads from a file's leading bytes how the picture came to be. Never throws; falls back to the file's own time. */
export function readCapture(head: Buffer, modifiedMs: number): Capture {
  return captureOf(readTags(head), modifiedMs);
}

/** Whether a camera marks the picture as Adobe RGB by name alone, as Canon and Nikon do, without a profile (DCF 2.0, R03). */
export function isAdobeRgb(tags: ExifTags): boolean {
  return ratioOf(tags["ColorSpace"]) === 0xffff && textOf(tags["InteroperabilityIndex"]).startsWith("R03");
}

function taken(tags: ExifTags): Pick<Capture, "takenMs" | "offsetMinutes" | "takenFrom"> | null {
  for (const [date, fraction, offset] of DATES) {
    const takenMs = parseDate(textOf(tags[date]), textOf(tags[fraction]));
    if (takenMs === null) continue;
    return { takenMs, offsetMinutes: parseOffset(textOf(tags[offset])), takenFrom: "exif" };
  }
  return null;
}

/** `2019:06:09 21:49:02` as if it were UTC; null for blanks, zeros, 31 February and other centuries. */
function parseDate(text: string, fraction: string): number | null {
  const parts = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  const isReal = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour;
  if (!isReal || !isTrustworthyDate(ms)) return null;
  const digits = /^\d{1,9}/.exec(fraction)?.[0];
  return digits === undefined ? ms : ms + Math.floor(Number(`0.${digits}`) * 1000);
}

/** `+02:00` in minutes; no place on Earth is further than 14 hours from UTC. */
function parseOffset(text: string): number | null {
  const match = /^([+-])(\d\d):(\d\d)/.exec(text);
  if (match === null) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return minutes > 14 * 60 ? null : minutes * (match[1] === "-" ? -1 : 1);
}

/** A text tag's value; the reader gives texts as arrays of one. */
function textOf(tag: unknown): string {
  const value = contentOf(tag);
  const text: unknown = Array.isArray(value) ? value[0] : value;
  return typeof text === "string" ? text.trim() : "";
}

/** A number tag's value; the reader gives fractions as [numerator, denominator] and lists as arrays. */
function ratioOf(tag: unknown): number | null {
  const value = contentOf(tag);
  if (typeof value === "number") return value;
  if (!Array.isArray(value) || typeof value[0] !== "number") return null;
  return value.length === 2 && typeof value[1] === "number" ? value[0] / value[1] : value[0];
}

function contentOf(tag: unknown): unknown {
  return typeof tag === "object" && tag !== null && "value" in tag ? tag.value : undefined;
}
