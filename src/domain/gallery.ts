import type { Capture } from "./capture.ts";
import type { ContentHash } from "./hash.ts";
import type { MediaKind } from "./media.ts";
import type { Rendition } from "./rendition.ts";

/** One tile: an original whose renditions are in the store, or a plain tile for a file that has none. */
export interface GalleryItem {
  readonly hash: ContentHash;
  readonly kind: MediaKind;
  /** File name on the card, for display. */
  readonly name: string;
  readonly capture: Capture;
  /** `rrggbb`. */
  readonly color: string | null;
  readonly note: string | null;
  readonly renditions: readonly Rendition[];
}

/** `uploading`: more will come. `complete`: everything that can be shown is. */
export type GalleryState = "uploading" | "complete";

/** All a gallery is made of; the same value always makes the same bytes. */
export interface Gallery {
  readonly slug: string;
  /** `null` unless several stations fill it. */
  readonly shared: {
    /** Below which name these objects are: one only this station uses, and not that of the index that guests see now. */
    readonly author: string;
    /** All that have ever brought something. */
    readonly stations: readonly string[];
    /** Tells what is shown, and for how long, from anything else, whichever station makes it. */
    readonly version: string;
  } | null;
  readonly title: string;
  readonly state: GalleryState;
  /** In the order guests see. */
  readonly items: readonly GalleryItem[];
  /** How many tiles there will be when it is complete. */
  readonly expected: number;
  /** Key of the picture that a messenger shows beside the link; `null` when there is none. */
  readonly preview: string | null;
  /** Milliseconds since 1970 until which the link works; `null` when it does not end. */
  readonly availableUntilMs: number | null;
  /** All of its pictures as files to download, once all of these are in the store. */
  readonly zips: readonly ZipPart[];
}

/** One file of several that hold all pictures of a gallery. */
export interface ZipPart {
  readonly key: string;
  readonly sizeBytes: number;
  readonly entries: readonly {
    readonly name: string;
    readonly hash: ContentHash;
    /** Whose bytes they are. */
    readonly rendition: Rendition;
    readonly sizeBytes: number;
    /** As the camera's clock showed it. */
    readonly modifiedMs: number | null;
  }[];
}

/** A screen of a phone: with fewer, whoever opens the link finds next to nothing. */
export const SCREEN_TILES = 12;

/** What a gallery shows, by what guests call it. */
export interface Shown {
  readonly photos: number;
  readonly videos: number;
  /** RAW and the like, of which there is no picture to look at yet. */
  readonly unseen: number;
}

/** Counts tiles as what they are: only what can be looked at is a photo. */
export function countShown(items: readonly GalleryItem[]): Shown {
  const videos = items.filter(({ kind }) => kind === "video").length;
  const unseen = items.filter(({ kind, renditions }) => kind !== "video" && renditions.length === 0).length;
  return { photos: items.length - videos - unseen, videos, unseen };
}

/** Whether it is a picture that cannot be shown. The owner hears of it by name; a guest could do nothing about it. */
export function isDamaged({ kind, renditions }: Pick<GalleryItem, "kind" | "renditions">): boolean {
  return kind === "picture" && renditions.length === 0;
}

/** The photo a gallery begins with: the first that can be shown. */
export function coverOf(items: readonly GalleryItem[]): GalleryItem | null {
  return items.find(({ renditions }) => renditions.some(({ preset }) => preset === "share")) ?? null;
}

/** Capture order; files without a believable time come last, ties by the number cameras put in the name (DCF), then name. */
export function inCaptureOrder(a: GalleryItem, b: GalleryItem): number {
  const time =
    (a.capture.takenMs ?? Number.POSITIVE_INFINITY) - (b.capture.takenMs ?? Number.POSITIVE_INFINITY);
  if (time !== 0 && !Number.isNaN(time)) return time;
  return dcfNumber(a.name) - dcfNumber(b.name) || compareText(a.name, b.name) || compareText(a.hash, b.hash);
}

/** The four digits of `DSC_0042.JPG` (DCF 2.0, 3.2.3: the file number). */
function dcfNumber(name: string): number {
  return Number(/(\d{4})\.[^.]*$/.exec(name)?.[1] ?? 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
