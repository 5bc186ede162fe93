import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { Failure } from "../domain/failure.ts";
import type { GalleryItem } from "../domain/gallery.ts";
import { contentHash } from "../domain/hash.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_NEVER } from "../domain/object.ts";
import type { Part } from "../domain/part.ts";
import type { Index } from "./format.ts";
import { pack } from "./packed.ts";

/** Photos in one object of a part: at some 250 bytes each, 25 KB go up again when one is added. */
const PART_ITEMS = 100;
/** Grows when an older GhostRoll could no longer read what stations write for each other. */
const FORMAT = 1;

interface Head {
  readonly state: Part["state"];
  readonly pending: number;
  /** Changes with the content, one for each chunk. */
  readonly versions: readonly string[];
}

/** What an index tells those that replace it. */
interface Seen {
  readonly version: string | null;
  readonly stations: readonly string[];
  readonly author: string;
}

/** What several stations tell each other of one gallery, as objects and back. */
export const shared = {
  name: (name: string, slug: string): NewObject => packed(keys.galleryNamed(name), { name, slug }),

  slugIn(bytes: Uint8Array): string {
    const { slug } = unpacked(bytes) as { slug?: unknown };
    if (typeof slug === "string" && /^[\w-]{22}$/.test(slug)) return slug;
    throw unreadable();
  },

  part(slug: string, { station, state, pending, items }: Part): readonly Iterable<NewObject>[] {
    const chunks = Array.from({ length: Math.ceil(items.length / PART_ITEMS) }, (_, number) => {
      const some = items.slice(number * PART_ITEMS, (number + 1) * PART_ITEMS);
      const version = hashOf(some);
      return { version, object: packed(keys.partChunk(slug, station, version), { items: some }) };
    });
    const head: Head = { state, pending, versions: chunks.map(({ version }) => version) };
    return [chunks.map(({ object }) => object), [packed(keys.partHead(slug, station), head)]];
  },

  head(bytes: Uint8Array): Head {
    const { state, pending, versions } = unpacked(bytes) as Partial<Head>;
    const isHead = (state === "complete" || state === "uploading") && Number.isInteger(pending);
    if (!isHead || !Array.isArray(versions) || !versions.every((one) => /^[0-9a-f]{16}$/.test(String(one))))
      throw unreadable();
    return { state, pending: Number(pending), versions };
  },

  items(bytes: Uint8Array): readonly GalleryItem[] {
    const { items } = unpacked(bytes) as { items?: readonly GalleryItem[] };
    if (!Array.isArray(items)) throw unreadable();
    // It becomes part of keys; everything else is only shown, and escaped there.
    for (const { hash } of items) contentHash(hash);
    return items;
  },

  version: (...shown: unknown[]): string => hashOf(shown),

  index(bytes: Uint8Array): Seen {
    const { version = null, stations = [], folder } = JSON.parse(gunzipSync(bytes).toString()) as Index;
    return { version, stations, author: folder.split("/")[1] ?? "" };
  },

  shellVersion: (bytes: Uint8Array): string | null =>
    /"version":"([0-9a-f]{16})"/.exec(gunzipSync(bytes).toString())?.[1] ?? null,
};

/** 64 bits tell versions of one thing apart. */
function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

function packed(key: string, content: object): NewObject {
  return pack(key, JSON.stringify({ format: FORMAT, ...content }), "application/json", CACHE_NEVER);
}

function unpacked(bytes: Uint8Array): object {
  let content: { format?: unknown };
  try {
    content = JSON.parse(gunzipSync(bytes).toString()) as { format?: unknown };
  } catch (error) {
    throw unreadable({ cause: error });
  }
  if (content.format === FORMAT) return content;
  throw new Failure(
    "remote-corrupt",
    "Another station fills this gallery with another version of GhostRoll. Bring all of them up to date.",
  );
}

function unreadable(options?: ErrorOptions): Failure {
  return new Failure(
    "remote-corrupt",
    "What another station wrote for this gallery cannot be read.",
    options,
  );
}
