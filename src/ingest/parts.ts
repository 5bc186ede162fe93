import { Failure } from "../domain/failure.ts";
import type { GalleryItem } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { Part } from "../domain/part.ts";
import type { Ports } from "./ports.ts";

/** Objects asked for at once. */
const GETS_AT_ONCE = 8;

/** What the stations of one gallery have brought, as the store has it. */
export interface Parts {
  /** The parts of these stations, as far as they are there; what has not changed since the last time is not fetched again. */
  read(stations: readonly string[], signal: AbortSignal): Promise<readonly Part[]>;
}

/** The gallery that was read last: one that is being filled is read again every few seconds. */
const last = new WeakMap<Ports["store"], { readonly slug: string; readonly parts: Parts }>();

/** Parts of a gallery, for whoever reads them again and again. */
export function partsOf(slug: string, ports: Pick<Ports, "store" | "galleries">): Parts {
  const known = last.get(ports.store);
  if (known?.slug === slug) return known.parts;
  const parts = openParts(slug, ports);
  last.set(ports.store, { slug, parts });
  return parts;
}

function openParts(slug: string, { store, galleries }: Pick<Ports, "store" | "galleries">): Parts {
  const known = new Map<string, readonly GalleryItem[]>();

  async function readPart(station: string, signal: AbortSignal): Promise<Part | null> {
    const bytes = await store.get(keys.partHead(slug, station), signal);
    if (bytes === null) return null;
    const { state, pending, versions } = galleries.shared.head(bytes);
    const items: GalleryItem[] = [];
    for (let start = 0; start < versions.length; start += GETS_AT_ONCE) {
      const some = versions.slice(start, start + GETS_AT_ONCE);
      const chunks = some.map((version) => readChunk(station, version, signal));
      items.push(...(await Promise.all(chunks)).flat());
    }
    return { station, state, pending, items };
  }

  async function readChunk(station: string, version: string, signal: AbortSignal) {
    const key = keys.partChunk(slug, station, version);
    const before = known.get(key);
    if (before !== undefined) return before;
    const bytes = await store.get(key, signal);
    if (bytes === null) throw new Failure("remote-corrupt", `The store has lost ${key}.`);
    const items = galleries.shared.items(bytes);
    known.set(key, items);
    return items;
  }

  return {
    async read(stations, signal) {
      const parts: Part[] = [];
      for (const station of stations) {
        const part = await readPart(station, signal);
        if (part !== null) parts.push(part);
      }
      return parts;
    },
  };
}
