import type { GalleryItem } from "../domain/gallery.ts";
import type { Group } from "./format.ts";
import { sayDay, sayTime, WORDS } from "./words.ts";

/** A pause this long is a new part of the day: the church, then the party. */
const GAP_MS = 2 * 60 * 60 * 1000;

/** Where headings stand: at each new day, after each long pause, and before the photos whose time nobody knows. */
export function groupByTime(items: readonly GalleryItem[]): Group[] {
  const groups: Group[] = [];
  let before: number | null | undefined;
  let day = "";
  for (const [position, { capture }] of items.entries()) {
    const { takenMs } = capture;
    if (takenMs === null) {
      if (before !== null) groups.push([position, WORDS.undated, ""]);
    } else {
      const itsDay = sayDay(takenMs);
      if (itsDay !== day) groups.push([position, itsDay, sayTime(takenMs)]);
      else if (typeof before === "number" && takenMs - before > GAP_MS)
        groups.push([position, "", sayTime(takenMs)]);
      day = itsDay;
    }
    before = takenMs;
  }
  return groups;
}
