import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { diskOf, mountHolding, readMounts } from "./mounts.ts";

/**
 * What a folder's files lie on at this moment: another text as soon as the card is pulled, swapped for another one below
 * the same mount, or unmounted; the same one, mounted again at once, may well look the same. Asks the kernel only, never the card, so a hung one delays nobody.
 */
export async function mediumOf(root: string): Promise<string> {
  const mount = mountHolding(root, await readMounts());
  if (mount === null) return "nothing";
  const disk = await diskOf(mount);
  return `mount ${mount.id} of ${mount.device}, medium ${disk?.sequence ?? "?"}, ${disk?.sizeBytes ?? "?"} bytes`;
}

/** Throws `card-removed` when the card is no longer the one that was identified: what was read since may be anything. */
export async function assertPresent({ label, root, medium }: Volume): Promise<void> {
  if (medium === undefined || medium === (await mediumOf(root))) return;
  throw new Failure("card-removed", `The card ${label} was removed while it was read.`);
}
