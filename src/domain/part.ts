import type { GalleryItem, GalleryState } from "./gallery.ts";
import { inCaptureOrder, isDamaged } from "./gallery.ts";

/** What one station has brought to a shared gallery. Only that station ever writes it, so nobody's can get lost. */
export interface Part {
  readonly station: string;
  readonly state: GalleryState;
  readonly items: readonly GalleryItem[];
  /** Tiles that are still to come. */
  readonly pending: number;
}

/** All parts as one gallery, in capture order; a photo that several stations have is shown once. The order of the parts does not matter. */
export function mergeParts(parts: readonly Part[]): {
  readonly items: readonly GalleryItem[];
  readonly expected: number;
  readonly state: GalleryState;
} {
  const byHash = new Map<string, GalleryItem>();
  for (const { items } of parts.toSorted((a, b) => (a.station < b.station ? -1 : 1)))
    for (const item of items) {
      const before = byHash.get(item.hash);
      // One station may have failed to make a picture of what another one can show.
      if (before === undefined || (before.renditions.length === 0 && item.renditions.length > 0))
        byHash.set(item.hash, item);
    }
  // A station of an earlier version also brought what it could not show.
  const items = [...byHash.values()].filter((item) => !isDamaged(item)).toSorted(inCaptureOrder);
  return {
    items,
    expected: parts.reduce((sum, { pending }) => sum + pending, items.length),
    state: parts.every(({ state }) => state === "complete") ? "complete" : "uploading",
  };
}
