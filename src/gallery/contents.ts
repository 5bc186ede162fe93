import { number } from "../domain/amounts.ts";
import type { Gallery } from "../domain/gallery.ts";
import { countShown } from "../domain/gallery.ts";
import { chunkFolder, keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_NEVER } from "../domain/object.ts";
import type { Assets } from "./assets.ts";
import { CHUNK_ENTRIES } from "./chunks.ts";
import type { Index } from "./format.ts";
import { groupByTime } from "./groups.ts";
import type { Links } from "./links.ts";
import { pack } from "./packed.ts";
import { aspectByte, picturesOf } from "./photo.ts";
import { say, sayShortDay, sayShown, WORDS } from "./words.ts";

/** So many photos are in the shell itself: some screens on a phone, shown before any script has run. */
export const SHELL_TILES = 24;

/** The index of a gallery: small, polled while photos arrive, written after the chunks whose versions it names. */
export function packIndex(
  gallery: Gallery,
  versions: readonly string[],
  assets: Assets,
  links: Links,
): NewObject {
  const { slug, items } = gallery;
  const key = keys.index(slug);
  const index: Index = {
    state: gallery.state,
    count: items.length,
    shown: sayProgress(gallery),
    until: sayUntil(gallery),
    hero: heroOf(gallery),
    aspects: Buffer.from(items.map(aspectByte)).toString("base64"),
    groups: groupByTime(items),
    links: links.parts,
    pages: links.pages,
    signature: links.signature(key),
    chunks: versions.map((version, number) => [
      version,
      links.signature(keys.chunk(slug, number, gallery.shared?.author)),
    ]),
    chunkEntries: CHUNK_ENTRIES,
    folder: chunkFolder(gallery.shared?.author),
    ...(gallery.shared && { version: gallery.shared.version, stations: gallery.shared.stations }),
    lightbox: [
      links.to(assets.library.key),
      links.to(assets.lightbox.key),
      links.to(assets.lightboxStyle.key),
    ],
  };
  return pack(key, JSON.stringify(index), "application/json", CACHE_NEVER);
}

/** Position of the photo shown large at the top: the first one with a picture among those in the shell; else -1. */
export function heroOf(gallery: Gallery): number {
  return gallery.items.slice(0, SHELL_TILES).findIndex((item) => picturesOf(item) !== null);
}

/** `52 photos, 1 video`, with how many are still to come. */
function sayProgress({ items, state, expected }: Gallery): string {
  const shown = sayShown(countShown(items));
  const left = state === "complete" ? 0 : expected - items.length;
  return left > 0 ? say(WORDS.soFar, { shown, n: number(left) }) : shown;
}

/** `Available until Sat 26 Sep`; empty when the link does not end. */
export function sayUntil(gallery: Gallery): string {
  if (gallery.availableUntilMs === null) return "";
  return say(WORDS.available, { date: sayShortDay(gallery.availableUntilMs) });
}
