import type { Inventory } from "../domain/card.ts";
import { inReadingOrder } from "./reading-order.ts";
import { walk } from "./walk.ts";

export interface InventoryRequest {
  /** Absolute path of a volume's root. */
  readonly root: string;
  /** What it lay on when it was identified. */
  readonly medium: string | undefined;
}

/** Everything on a volume by stat alone, in reading order. Throws as `walk` does. */
export default function takeInventory({ root }: Pick<InventoryRequest, "root">): Inventory {
  const { files, refused } = walk(root);
  return { files: inReadingOrder(files), refused };
}
