import type { CardPath } from "./card-path.ts";
import { pathKey } from "./card-path.ts";
import type { GalleryItem } from "./gallery.ts";
import { inCaptureOrder, isDamaged } from "./gallery.ts";
import { isShown } from "./media.ts";

/** A kept file of a session as guests would see it, as far as it has come. Nothing else: there is one for each of thousands. */
export interface Delivered extends GalleryItem {
  readonly stem: string;
  readonly isInStore: boolean;
}

/**
 * The tiles that can be shown now, in capture order, and how many there will be of the files kept so far. A picture is expected
 * until it is known that there is none to show.
 */
export function tiles(files: readonly Delivered[]): {
  readonly items: readonly GalleryItem[];
  readonly expected: number;
} {
  const showable = files.filter((file) => isShown(file.kind) && !(file.isInStore && isDamaged(file)));
  const stems = new Set(showable.filter(({ kind }) => kind === "picture").map(({ stem }) => stem));
  const shown = showable.filter(({ kind, stem }) => !(kind === "raw" && stems.has(stem)));
  const items = shown.filter(({ isInStore }) => isInStore);
  return { items: items.sort(inCaptureOrder), expected: shown.length };
}

/** Folder and name without extension: RAW and JPEG of one stem are one picture, and the JPEG is shown. */
export function stemOf(path: CardPath): string {
  return pathKey(path)
    .replace(/\.[^./]*$/, "")
    .toLowerCase();
}
