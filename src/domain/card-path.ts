/**
 * A path on a card, relative to its root, as the bytes the filesystem gave, joined by `/`. Bytes, because a name need not
 * be UTF-8: decoded and encoded again, it would open nothing.
 */
export type CardPath = Uint8Array & { readonly __brand?: "CardPath" };

/** A lossless key for maps and sets: one character a byte. */
export function pathKey(path: CardPath): string {
  // One call makes the string in one piece; character by character it would be a chain of pieces, 1 KB for a path.
  return String.fromCharCode.apply(null, path as unknown as number[]);
}

/** The path of such a key. */
export function bytesOfKey(key: string): CardPath {
  return Uint8Array.from(key, (character) => character.charCodeAt(0));
}

/** C0, C1, bidirectional marks and line separators: they make a name say something else than it is (CVE-2021-42574). */
const UNSHOWABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/gu;

/** How a path is shown to people: UTF-8 where it is, `�` for the rest, nothing that moves a cursor or turns text around. */
export function displayPath(path: CardPath): string {
  return new TextDecoder().decode(path).replace(UNSHOWABLE, "\u{fffd}");
}

/** The last component, for display. */
export function displayName(path: CardPath): string {
  return displayPath(path).split("/").at(-1) ?? "";
}

/** ext4, xfs and btrfs store at most this many bytes in a name; exFAT allows 255 UTF-16 units, up to 765 bytes. */
const MAX_NAME_BYTES = 255;
/** Room left for a `~12345678` in front of the extension when a name is already taken. */
const NAME_ROOM_BYTES = MAX_NAME_BYTES - 9;

/** Linux opens paths of up to 4095 bytes (PATH_MAX); half of that is left to where the library and its copies lie. */
const MAX_PATH_BYTES = 2048;

/**
 * A path for the library that stays below its folder and can be stored anywhere, as like the card's as that allows. A
 * component that had to change carries a hash of its true bytes, so that two names never become one; the folders of a path
 * that is too long become one.
 */
export function safePath(path: CardPath): string {
  const names = splitBytes(path).map(safeName);
  const whole = names.join("/");
  return byteLength(whole) <= MAX_PATH_BYTES ? whole : `deep~${fnv1a(path)}/${names.at(-1)}`;
}

function safeName(name: Uint8Array): string {
  const text = new TextDecoder().decode(name);
  const clean = text.replace(UNSHOWABLE, "_").replace(/[\\/]/g, "_");
  const isSame =
    clean === text && clean !== "." && clean !== ".." && clean !== "" && name.length <= NAME_ROOM_BYTES;
  return isSame ? clean : withSuffix(clean.replace(/^\.+$/, "_") || "_", fnv1a(name));
}

/** `IMG_1.JPG` and `89abcdef` become `IMG_1~89abcdef.JPG`, cut so that it can be stored. */
export function withSuffix(name: string, suffix: string): string {
  const dot = name.lastIndexOf(".");
  const isExtension = dot > 0 && name.length - dot <= 10;
  const [stem, extension] = isExtension ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return `${cutToBytes(stem, MAX_NAME_BYTES - 1 - suffix.length - byteLength(extension))}~${suffix}${extension}`;
}

function cutToBytes(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function splitBytes(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at <= path.length; at++) {
    if (at < path.length && path[at] !== 0x2f) continue;
    parts.push(path.subarray(start, at));
    start = at + 1;
  }
  return parts;
}

/** FNV-1a, 32 bits, 8 hex digits: tells names apart, proves nothing (isthe.com/chongo/tech/comp/fnv). */
function fnv1a(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
