import type { GalleryItem } from "../domain/gallery.ts";
import type { Rendition } from "../domain/rendition.ts";
import { say, sayTime, WORDS } from "./words.ts";

/** The two renditions of a photo that can be shown. */
export interface Pictures {
  readonly thumb: Rendition;
  readonly share: Rendition;
}

/** Both renditions of an item, or `null` when it gets a plain tile. */
export function picturesOf(item: GalleryItem): Pictures | null {
  const thumb = item.renditions.find(({ preset }) => preset === "thumb");
  const share = item.renditions.find(({ preset }) => preset === "share");
  return thumb === undefined || share === undefined ? null : { thumb, share };
}

/** Linear steps of 1/64 hit 3:2, 16:9 and 9:16 exactly, 4:3 and 2:3 within 0.8 %, and suit Chromium's layout unit of 1/64 px. */
const ASPECT_STEPS = 64;
/** A tile lower than a quarter of its width or narrower than a quarter of its height shows a crop of its picture. */
const [MIN_ASPECT, MAX_ASPECT] = [16, 255];
/** The shape of a tile without a picture, 3:2. */
const PLAIN_ASPECT = 96;

/** The shape of an item's tile as one byte: 64 × width / height; 0 when there is no picture. */
export function aspectByte(item: GalleryItem): number {
  const share = picturesOf(item)?.share;
  if (share === undefined) return 0;
  const byte = Math.round((ASPECT_STEPS * share.width) / share.height);
  return Math.min(MAX_ASPECT, Math.max(MIN_ASPECT, byte));
}

/** Width by height of an item's tile. */
export function aspectOf(item: GalleryItem): number {
  return (aspectByte(item) || PLAIN_ASPECT) / ASPECT_STEPS;
}

/** `rrggbb`, or empty: it becomes part of a style sheet, so nothing else may pass. */
export function colorOf(item: GalleryItem): string {
  return item.color !== null && /^[0-9a-f]{6}$/.test(item.color) ? item.color : "";
}

/** What a photo is called for those who do not see it: `Photo 4, 15:40`. */
export function altOf(item: GalleryItem, position: number): string {
  const photo = say(WORDS.script.photo, { n: position + 1 });
  return item.capture.takenMs === null ? photo : `${photo}, ${sayTime(item.capture.takenMs)}`;
}
