import { join } from "node:path";
import { overlaps, realPlace } from "../card/real-place.ts";
import type { Settings } from "../config/slices.ts";
import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";

/** What we make below the library's folder; whatever else a person has there is none of our business. */
export const LIBRARY_FOLDERS = ["originals", "renditions", "incoming", "store", "backups", "rotten"] as const;

/** Everything that is written when a card is taken in: a card with one of these on it would grow each time it is read. */
export function ownPlaces({ library }: Settings): string[] {
  const { baseDir, dbPath, secondDir } = library;
  const folders = LIBRARY_FOLDERS.map((name) => join(baseDir, name));
  return [...folders, dbPath, ...(secondDir === null ? [] : [secondDir])];
}

/** Throws `usage` for a folder that holds one of them, or lies in one. */
export async function refuseOwn({ root }: Volume, settings: Settings): Promise<void> {
  const places = await Promise.all(ownPlaces(settings).map(realPlace));
  const own = places.find((place) => overlaps(root, place));
  if (own === undefined) return;
  throw new Failure(
    "usage",
    `GhostRoll itself writes to ${own}: with ${root}, it would take in its own copies. Name the folder of a card.`,
  );
}
