import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { Mount } from "./mounts.ts";
import { diskOf, failedRequestsOf, mountHolding, readMounts } from "./mounts.ts";

/** What a mount was of. */
export interface MountedMedium extends Pick<Mount, "device" | "source"> {
  /** Which medium was in the disk; empty before Linux 5.15. */
  readonly sequence: string;
}

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

/** Whether the medium that was mounted is still in its reader, mounted or not. Asks the kernel only, never the card. */
export async function isInReader({ device, source, sequence }: MountedMedium): Promise<boolean> {
  const disk = await diskOf({ device, source });
  return disk !== null && disk.sizeBytes > 0 && (disk.sequence ?? "") === sequence;
}

/** Throws `card-removed` when the card is no longer the one that was identified: what was read since may be anything. */
export async function assertPresent({ label, root, medium }: Volume): Promise<void> {
  if (medium === undefined || medium === (await mediumOf(root))) return;
  throw new Failure("card-removed", `The card ${label} was removed while it was read.`);
}

/**
 * How many requests to the disk that a card is in have failed until now, also those that were repeated and then went well, like
 * those of a reader that was reset; `null` where the kernel does not count them, as for an SD slot. Asks the kernel only, never
 * the card.
 */
export async function failedRequests({ root }: Pick<Volume, "root">): Promise<number | null> {
  const mount = mountHolding(root, await readMounts());
  return mount === null ? null : failedRequestsOf(mount);
}
