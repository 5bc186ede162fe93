import { number } from "../domain/amounts.ts";
import type { Shown } from "../domain/gallery.ts";
import type { MediaKind } from "../domain/media.ts";
import type { Plural, ScriptWords } from "./format.ts";

/** Every string guests see, and the locale their dates are written in. */
export const WORDS = {
  language: "en",
  /** English with the day first and a 24-hour clock: `Saturday 26 September 2026`, `15:40`. */
  locale: "en-GB",
  arriving: "More photos are on their way",
  photos: { one: "{n} photo", other: "{n} photos" },
  videos: { one: "{n} video", other: "{n} videos" },
  unseen: { one: "{n} file without a preview", other: "{n} files without a preview" },
  soFar: "{shown} so far, {n} more to come",
  available: "Available until {date}",
  undated: "Without a date",
  allPhotos: "All photos, page by page",
  noScript: "Without JavaScript, this page shows the first photos. The pages below have them all.",
  page: "Page {n}",
  firstPage: "First page",
  previousPage: "Previous page",
  nextPage: "Next page",
  gallery: "Back to the gallery",
  download: "Download all ({photos}, {size})",
  downloadParts: "Download all ({photos}, {n} parts, {size})",
  part: "Part {n}",
  end: "Made with GhostRoll",
  script: {
    newPhotos: { one: "{n} new photo", other: "{n} new photos" },
    newFiles: { one: "{n} new file", other: "{n} new files" },
    photo: "Photo {n}",
    noPreview: "Kept; no preview yet",
    endTitle: "This gallery has ended",
    endText: "Its link no longer works. Ask the person who sent it for a new one.",
    tryAgain: "Try again",
    viewer: "Photo viewer",
    close: "Close",
    zoom: "Zoom",
    previous: "Previous photo",
    next: "Next photo",
    notLoaded: "This photo could not be loaded. Check the connection.",
  } satisfies ScriptWords,
  kinds: {
    picture: "",
    raw: "RAW photo",
    heic: "HEIC photo",
    video: "Video",
    audio: "Sound",
    sidecar: "File",
    other: "File",
  } satisfies Record<MediaKind, string>,
} as const;

/** Replaces `{name}` in one of the words. */
export function say(sentence: string, values: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** `1 photo`, `5,000 photos`. */
export function sayCount(sentences: Plural, n: number): string {
  const category = new Intl.PluralRules(WORDS.locale).select(n);
  return say(category === "one" ? sentences.one : sentences.other, { n: number(n) });
}

/** `52 photos, 1 video`: what a gallery shows, the same wherever it is said. */
export function sayShown({ photos, videos, unseen }: Shown): string {
  const parts = [
    photos > 0 || videos + unseen === 0 ? sayCount(WORDS.photos, photos) : "",
    videos > 0 ? sayCount(WORDS.videos, videos) : "",
    unseen > 0 ? sayCount(WORDS.unseen, unseen) : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

// Camera clocks are local time written as if it were UTC (domain/capture.ts), so UTC shows what the camera showed.
const longDay = formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDay = formatter({ weekday: "short", day: "numeric", month: "short" });
const clock = formatter({ hour: "2-digit", minute: "2-digit" });

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(WORDS.locale, { ...options, timeZone: "UTC" });
}

/** `Saturday 26 September 2026`. */
export function sayDay(ms: number): string {
  return withoutCommas(longDay.format(ms));
}

/** `15:40`. */
export function sayTime(ms: number): string {
  return clock.format(ms);
}

/** `Sat 26 Sep`; the last day the link is sure to work, by UTC. */
export function sayShortDay(ms: number): string {
  // British data abbreviates this one month with four letters.
  return withoutCommas(shortDay.format(ms)).replace("Sept", "Sep");
}

/** Releases of ICU differ in whether a comma follows the weekday; the page should not change with the Node it was made by. */
function withoutCommas(text: string): string {
  return text.replaceAll(",", "");
}
