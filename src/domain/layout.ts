import { isTrustworthyDate } from "./capture.ts";
import type { CardPath } from "./card-path.ts";
import { safePath } from "./card-path.ts";
import type { PresetName } from "./rendition.ts";
import type { Session } from "./session.ts";

/** Where a session's originals live, below the library's root: what a person browses. */
export function sessionFolder(session: Pick<Session, "day" | "name">): string {
  const year = session.day === UNDATED ? UNDATED : session.day.slice(0, 4);
  return `originals/${year}/${session.day}/${session.name}`;
}

/** Where an original goes, below the library's root. */
export function originalPath(session: Pick<Session, "day" | "name">, path: CardPath): string {
  return `${sessionFolder(session)}/${safePath(path)}`;
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

/** Keys in the store, below the configured prefix. Deleting `gallery(slug)` and all below it revokes a gallery. */
export const keys = {
  shell: (slug: string) => `g/${slug}`,
  index: (slug: string) => `g/${slug}/i.json`,
  chunk: (slug: string, number: number) => `g/${slug}/m/${number}.json`,
  /** Numbered static pages that reach every photo without JavaScript. */
  page: (slug: string, number: number) => `g/${slug}/n/${number}`,
  preview: (slug: string) => `g/${slug}/og.jpg`,
  rendition: (slug: string, hash: string, preset: PresetName) => `g/${slug}/p/${hash}-${preset}.jpg`,
  asset: (name: string, hash: string, extension: string) =>
    `assets/${name}.${hash.slice(0, 16)}.${extension}`,
} as const;
