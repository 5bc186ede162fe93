import type { PackedInventory } from "./packed-inventory.ts";
import { packInventory } from "./packed-inventory.ts";
import { digestOf, walk } from "./walk.ts";

export interface InventoryRequest {
  /** Absolute path of a volume's root. */
  readonly root: string;
  /** What it lay on when it was identified. */
  readonly medium: string | undefined;
  /** Files that were changed after this moment are left out. */
  readonly onlyBeforeMs?: number | undefined;
  /** Digest of the listing that is known; `null` when none is. */
  readonly before: string | null;
}

/** Everything on a volume by stat alone, in reading order; `null` when that is what was there `before`. Throws as `walk` does. */
export default function takeInventory({
  root,
  onlyBeforeMs,
  before,
}: Omit<InventoryRequest, "medium">): PackedInventory | null {
  const met = walk(root, undefined, onlyBeforeMs);
  const digest = digestOf(met);
  return digest === before ? null : packInventory(met, digest);
}
