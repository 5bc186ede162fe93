import { isForGuests } from "../domain/layout.ts";

/** S3 takes keys of up to 1,024 bytes of UTF-8 (docs.aws.amazon.com, "Creating object key names"); some go to the prefix. */
const MAX_KEY_BYTES = 900;

/** Longest segment once encoded: a file name has 255 bytes, and the directory store adds up to 47 of its own. */
const MAX_SEGMENT = 200;

/** Control characters, which XML and headers cannot carry, and what some clients take for a slash. */
const FORBIDDEN = /[\p{Cc}\\]/u;

/** What the keys of this program look like: they are known to be good at a glance, thousands of them at once. */
const PLAIN = /^(?:[\w-][\w.-]{0,199}(?:\/(?=.)|$))+$/;

/**
 * Whether every store can hold it: segments of well-formed text between single slashes, none of them `.` or `..`, which
 * browsers and HTTP clients resolve before anything is sent.
 */
export function isKey(key: string): boolean {
  if (key.length <= MAX_KEY_BYTES && PLAIN.test(key)) return true;
  if (!key.isWellFormed() || FORBIDDEN.test(key) || new TextEncoder().encode(key).length > MAX_KEY_BYTES)
    return false;
  return key
    .split("/")
    .every(
      (segment) =>
        segment !== "" && segment !== "." && segment !== ".." && encodeSegment(segment).length <= MAX_SEGMENT,
    );
}

/** Throws an ordinary error: keys are made by this program, so a wrong one is a bug. */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new Error(`not a key: ${JSON.stringify(key)}`);
}

/** Throws an ordinary error for what no guest may ever open, whoever asks: a link to an original would be a leak. */
export function checkGuestKey(key: string): void {
  checkKey(key);
  if (!isForGuests(key)) throw new Error(`not a key for guests: ${JSON.stringify(key)}`);
}

/** Percent-encodes all but what RFC 3986 leaves unreserved, as Signature Version 4 wants it; slashes stay. */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeSegment).join("/");
}

/** One path segment; `encodeURIComponent` alone leaves `!'()*`. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
