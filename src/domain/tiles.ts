import type { CardPath } from "./card-path.ts";
import { pathKey } from "./card-path.ts";
import type { GalleryItem } from "./gallery.ts";
import { inCaptureOrder } from "./gallery.ts";
import { isShown } from "./media.ts";

/** A kept file of a session as guests would see it, as far as it has come. Nothing else: there is one for each of thousands. */
export interface Delivered extends GalleryItem {
  readonly stem: string;
  readonly isInStore: boolean;
}

/** The tiles that can be shown now, in capture order, and how many there will be of the files kept so far. */
export function tiles(files: readonly Delivered[]): {
  readonly items: readonly GalleryItem[];
  readonly expected: number;
} {
  const stems = new Set(files.filter(({ kind }) => kind === "picture").map(({ stem }) => stem));
  const shown = files.filter(({ kind, stem }) => isShown(kind) && !(kind === "raw" && stems.has(stem)));
  const items = shown.filter(({ isInStore }) => isInStore);
  return { items: items.sort(inCaptureOrder), expected: shown.length };
}

/** Folder and name without extension: RAW and JPEG of one stem are one picture, and the JPEG is shown. */
export function stemOf(path: CardPath): string {
  return pathKey(path)
    .replace(/\.[^./]*$/, "")
    .toLowerCase();
}
