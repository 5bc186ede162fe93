import type { Capture } from "./capture.ts";
import { captureFromFile } from "./capture.ts";
import type { CardPath } from "./card-path.ts";
import { pathKey } from "./card-path.ts";
import type { GalleryItem } from "./gallery.ts";
import { inCaptureOrder } from "./gallery.ts";
import type { ContentHash } from "./hash.ts";
import type { Media } from "./media.ts";
import { isShown } from "./media.ts";
import type { Derived } from "./rendition.ts";

/** A kept file of a session, as far as it has come. */
export interface Delivered {
  readonly file: {
    readonly path: CardPath;
    readonly name: string;
    readonly hash: ContentHash;
    readonly media: Media;
    readonly modifiedMs: number;
  };
  readonly isInStore: boolean;
  readonly picture: { readonly derived: Derived; readonly capture: Capture } | null;
}

/** The tiles that can be shown now, in capture order, and how many there will be of the files kept so far. */
export function tiles(files: readonly Delivered[]): {
  readonly items: readonly GalleryItem[];
  readonly expected: number;
} {
  const hasRaw = files.some(({ file }) => file.media.kind === "raw");
  const stems = new Set(
    files.filter(({ file }) => hasRaw && file.media.kind === "picture").map(({ file }) => stem(file.path)),
  );
  const shown = files.filter(({ file }) => {
    const isTwin = file.media.kind === "raw" && stems.has(stem(file.path));
    return isShown(file.media.kind) && !isTwin;
  });
  const items = shown
    .filter(({ isInStore }) => isInStore)
    .map(({ file, picture }) => ({
      hash: file.hash,
      kind: file.media.kind,
      name: file.name,
      capture: picture?.capture ?? captureFromFile(file.modifiedMs),
      color: picture?.derived.color ?? null,
      note: picture?.derived.note ?? null,
      renditions: picture?.derived.renditions ?? [],
    }));
  return { items: items.toSorted(inCaptureOrder), expected: shown.length };
}

/** Folder and name without extension: RAW and JPEG of one stem are one picture, and the JPEG is shown. */
function stem(path: CardPath): string {
  return pathKey(path)
    .replace(/\.[^./]*$/, "")
    .toLowerCase();
}
