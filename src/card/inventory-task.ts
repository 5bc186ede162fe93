import type { Inventory } from "../domain/card.ts";
import { inReadingOrder } from "./reading-order.ts";
import { walk } from "./walk.ts";

export interface InventoryRequest {
  /** Absolute path of a volume's root. */
  readonly root: string;
}

/** Everything on a volume by stat alone, in reading order. Throws as `walk` does. */
export default function takeInventory({ root }: InventoryRequest): Inventory {
  const { files, refused } = walk(root);
  return { files: inReadingOrder(files), refused };
}
