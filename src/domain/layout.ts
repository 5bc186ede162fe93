import { isTrustworthyDate } from "./capture.ts";
import type { CardPath } from "./card-path.ts";
import { safePath, withSuffix } from "./card-path.ts";
import type { PresetName } from "./rendition.ts";
import type { Session } from "./session.ts";

/** Where a session's originals live, below the library's root: what a person browses. */
export function sessionFolder(session: Pick<Session, "day" | "name">): string {
  const year = session.day === UNDATED ? UNDATED : session.day.slice(0, 4);
  return `originals/${year}/${session.day}/${session.name}`;
}

/** What we write into a session's folder ourselves. */
export const RECORDS = {
  sums: "SHA256SUMS",
  session: "session.json",
  receipt: "receipt.json",
  receiptText: "receipt.txt",
} as const;

/** Where an original goes, below the library's root. One that is called like our own records makes way for them. */
export function originalPath(session: Pick<Session, "day" | "name">, path: CardPath): string {
  const [first = "", ...rest] = safePath(path).split("/");
  const isOurs = Object.values(RECORDS).some((name) => name.toLowerCase() === first.toLowerCase());
  return [sessionFolder(session), isOurs ? withSuffix(first, "card") : first, ...rest].join("/");
}

/**
 * The path for a disk that refuses it as it is: FAT, exFAT and shares from Windows take none of these characters, nor a dot
 * or space at the end of a name.
 */
export function portablePath(path: string, hash: string): string {
  return path
    .split("/")
    .map((name) => {
      const portable = name.replace(/[<>:"|?*\\]/g, "_").replace(/[. ]+$/, "_");
      return portable === name ? name : withSuffix(portable, hash.slice(0, 8));
    })
    .join("/");
}

/** Where a rendition goes, below the library's root; two hex digits keep folders small. */
export function renditionPath(hash: string, preset: PresetName): string {
  return `renditions/${hash.slice(0, 2)}/${hash}-${preset}.jpg`;
}

const UNDATED = "undated";

/** The day a session is filed under: that of its newest believable file. */
export function sessionDay(modifiedMs: readonly number[]): string {
  const newest = modifiedMs
    .filter(isTrustworthyDate)
    .reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return Number.isFinite(newest) ? new Date(newest).toISOString().slice(0, 10) : UNDATED;
}

/**
 * Keys in the store, below the configured prefix. No object's key is the folder of another's: MinIO refuses the second of two
 * such objects, or does not list what is below the first (min.io/docs, "Conflicting Objects").
 */
export const keys = {
  /** The folder of all that belongs to a gallery: removing it revokes the gallery. */
  gallery: (slug: string) => `g/${slug}`,
  /** The page that a link opens, and so a short name: text messages and QR codes hold it. */
  shell: (slug: string) => `g/${slug}/v`,
  index: (slug: string) => `g/${slug}/i.json`,
  chunk: (slug: string, number: number, author = "") => `g/${slug}/${chunkFolder(author)}${number}.json`,
  /** Numbered static pages that reach every photo without JavaScript. */
  page: (slug: string, number: number, author = "") => `g/${slug}/n/${author && `${author}/`}${number}`,
  /** What a messenger shows beside the link; named after the picture it is made from, so that nobody shows an older one. */
  preview: (slug: string, hash: string) => `g/${slug}/og-${hash.slice(0, 16)}.jpg`,
  rendition: (slug: string, hash: string, preset: PresetName) => `g/${slug}/p/${hash}-${preset}.jpg`,
  /** `list` stands for all that is in the zip; `name` is what it is saved as. */
  zip: (slug: string, list: string, name: string) => `g/${slug}/z/${list}/${name}`,
  /** A second copy of an original, under its content and the extension of its name. */
  original: (hash: string, name: string) =>
    `originals/${hash}${/\.\w{1,8}$/.exec(name)?.[0].toLowerCase() ?? ""}`,
  asset: (name: string, hash: string, extension: string) =>
    `assets/${name}.${hash.slice(0, 16)}.${extension}`,
  /** Which gallery a name stands for, the same for every station. Upper and lower case are one to people. */
  galleryNamed: (name: string) => `galleries/${segmentsOf(foldedName(name))}`,
  /** Where a station finds out whether the store lets one of many win. */
  trial: (station: string) => `trials/${station}`,
  /** What the stations have brought to a shared gallery, each below its own name. */
  parts: (slug: string) => `stations/${slug}`,
  partHead: (slug: string, station: string) => `stations/${slug}/${station}/part.json`,
  /** Called by what is in it, so that a head always finds what it names, whatever is put meanwhile. */
  partChunk: (slug: string, station: string, version: string) =>
    `stations/${slug}/${station}/${version}.json`,
} as const;

/** Where the chunks of a gallery are, below its own address. */
export function chunkFolder(author = ""): string {
  return author === "" ? "m/" : `m/${author}/`;
}

/** What a segment of a key may have before stores get too long a file name: three of these may become five once sent. */
const SEGMENT = 120;

/** A name as a part of a key. Long ones, also few letters of some scripts, take several segments, and say first how many. */
function segmentsOf(name: string): string {
  // A dot alone would be resolved by whatever sends it.
  const short = encodeURIComponent(name).replace(/^\./, "%2E");
  if (short.length <= SEGMENT) return short;
  const bytes = String.fromCharCode(...new TextEncoder().encode(name));
  const long = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const count = Math.ceil(long.length / SEGMENT);
  const pieces = Array.from({ length: count }, (_, at) => long.slice(at * SEGMENT, (at + 1) * SEGMENT));
  return [`%${count}`, ...pieces].join("/");
}

function foldedName(name: string): string {
  return name.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

/** Whether guests may be given a link to it: what belongs to galleries, never an original. */
export function isForGuests(key: string): boolean {
  return /^(g|assets)\/./.test(key);
}

/**
 * Whether it is a part of the pages of a gallery, and no picture: in mode `capability` these open for whoever knows their
 * address. The policy of such a bucket says the same (docs/sharing.md).
 */
export function isPage(key: string): boolean {
  return /^(assets\/[^/]+|g\/[\w-]{22}\/(v|i\.json|m\/([\w-]+\/)?\d+\.json|n\/([\w-]+\/)?\d+))$/.test(key);
}

/** Finds the names of galleries in a text that has keys, links or paths of theirs in it, also as JSON writes it. */
export const SLUGS_IN_TEXT = /(?<=(?:\b|\\[nrt])(?:g|stations)(?:\/|%2F))[\w-]{22}(?![\w-])/gi;

/** The gallery a key belongs to, by the name in its links, also what stations tell each other of it; `null` for what belongs to none. */
export function slugIn(key: string): string | null {
  return /^(?:g|stations)\/([^/]+)/.exec(key)?.[1] ?? null;
}
