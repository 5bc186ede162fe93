import { setImmediate as nextTurn } from "node:timers/promises";
import type { Inventory, Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { Ports } from "./ports.ts";
import { batches, LOOKS } from "./what-is-new.ts";

/** How a card looked when everything on it was kept. */
interface Kept {
  readonly digest: string;
  readonly files: number;
}

/**
 * How this card looked when everything on it was kept; `null` where that is not known, or looks are not trusted, or more is left
 * to do than its looks can tell.
 */
export function lookWhenKept(
  { id }: Volume,
  { rescan, verifySource }: Pick<OffloadOptions, "rescan" | "verifySource">,
  { catalog }: Pick<Ports, "catalog">,
): Kept | null {
  if (rescan !== "stat" || verifySource) return null;
  if (catalog.unfinishedSession(id) !== null || catalog.suspects(id).length > 0) return null;
  return catalog.keptListing(id);
}

/**
 * Lists a card twice while it looks as it did when it was kept, and gives the first listing that does not. With `kept` itself, no
 * name on the card has come to this process; only what is certified needs them.
 */
export async function listAsKept(
  volume: Volume,
  kept: Kept,
  { cards, second }: Pick<Ports, "cards" | "second">,
  signal: AbortSignal,
): Promise<Inventory | Kept> {
  const first = await cards.list(volume, signal, kept);
  if (first !== kept) return first;
  return second === null ? cards.list(volume, signal, kept) : cards.list(volume, signal);
}

/** Whether the originals of all that is known of a volume are in the library. A row says only that they were. */
export async function isAllThere(
  { id }: Volume,
  { catalog, library }: Pick<Ports, "catalog" | "library">,
): Promise<boolean> {
  for (const originals of batches(catalog.originalsOf(id), LOOKS)) {
    if (library.holdsEach(originals).includes(false)) return false;
    await nextTurn();
  }
  return true;
}

/** Remembers how a card looks of which everything is kept. */
export function rememberLook(
  { id }: Volume,
  { digest, files }: Inventory,
  { catalog }: Pick<Ports, "catalog">,
): void {
  if (digest === undefined || files.length === 0 || catalog.suspects(id).length > 0) return;
  try {
    if (catalog.keptListing(id)?.digest !== digest) catalog.keepListing(id, digest, files.length);
  } catch (unwritten) {
    // All is kept, and to say so needs no room on the disk: the next look takes longer.
    if (!(unwritten instanceof Failure)) throw unwritten;
  }
}
