import { createHash } from "node:crypto";
import type { Gallery, GalleryItem } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_NEVER } from "../domain/object.ts";
import type { Chunk, Entry } from "./format.ts";
import type { Links } from "./links.ts";
import { pack } from "./packed.ts";
import { colorOf, picturesOf } from "./photo.ts";
import { WORDS } from "./words.ts";

/** At about 130 bytes a photo, most of them incompressible, a chunk stays below 12 KB: 60 ms on slow 4G (1.6 Mbit/s). */
export const CHUNK_ENTRIES = 80;

/** How many chunks a gallery has. */
export function countChunks({ items }: Gallery): number {
  return Math.ceil(items.length / CHUNK_ENTRIES);
}

/**
 * The photos of a gallery in chunks, each made when it is asked for, its version noted. Appending photos changes the last
 * chunk and adds more; the others stay byte for byte.
 */
export function* packChunks(gallery: Gallery, links: Links, versions: string[]): Generator<NewObject> {
  for (let number = 0; number < countChunks(gallery); number++) {
    const start = number * CHUNK_ENTRIES;
    const entries = gallery.items
      .slice(start, start + CHUNK_ENTRIES)
      .map((item) => entryOf(item, gallery.slug, links));
    // The same for every chunk but for its entries: links are renewed once a day, so versions change then as well.
    const version = shortHash(JSON.stringify([links.parts, entries]));
    const chunk: Chunk = { version, links: links.parts, entries };
    versions[number] = version;
    const key = keys.chunk(gallery.slug, number, gallery.shared?.author);
    yield pack(key, JSON.stringify(chunk), "application/json", CACHE_NEVER);
  }
}

function entryOf(item: GalleryItem, slug: string, links: Links): Entry {
  const { capture, hash } = item;
  const pictures = picturesOf(item);
  // A picture speaks for itself, except that a video's looks like a photo.
  const isNamed = pictures === null || item.kind === "video";
  const words = [isNamed ? WORDS.kinds[item.kind] : "", item.note ?? ""] as const;
  const takenSeconds = capture.takenMs === null ? null : Math.floor(capture.takenMs / 1000);
  const facts = [capture.exposure ?? "", capture.camera ?? "", capture.lens ?? ""] as const;
  const rest: readonly [] | readonly [string, string] = words.some((word) => word !== "") ? words : [];
  if (pictures === null) return ["", "", "", "", takenSeconds, 0, 0, item.name, ...facts, ...rest];
  const { width, height } = pictures.share;
  const thumb = links.signature(keys.rendition(slug, hash, "thumb"));
  const share = links.signature(keys.rendition(slug, hash, "share"));
  return [hash, thumb, share, colorOf(item), takenSeconds, width, height, item.name, ...facts, ...rest];
}

/** 64 bits tell versions of one chunk apart; they prove nothing. */
function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
