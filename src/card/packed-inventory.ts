import type { Inventory, RefusedEntry } from "../domain/card.ts";
import { inReadingOrder } from "./reading-order.ts";
import type { Walk } from "./walk.ts";

/**
 * An inventory as few large arrays. Between threads and processes an object is written and read field by field, which took a
 * card of 41,000 files as long as listing it.
 */
export interface PackedInventory {
  /** All paths, one after the other. */
  readonly paths: Uint8Array;
  /** Where each path ends. */
  readonly ends: Float64Array;
  readonly sizesBytes: Float64Array;
  readonly modifiedMs: Float64Array;
  readonly refused: readonly RefusedEntry[];
  readonly digest: string;
}

/** What a walk has met, in reading order. */
export function packInventory(walk: Pick<Walk, "files" | "refused">, digest: string): PackedInventory {
  const files = inReadingOrder(walk.files);
  const joined = Buffer.from(files.map(({ key }) => key).join(""), "latin1");
  let end = 0;
  return {
    paths: new Uint8Array(joined.buffer, joined.byteOffset, joined.length),
    ends: Float64Array.from(files, ({ key }) => (end += key.length)),
    sizesBytes: Float64Array.from(files, (file) => file.sizeBytes),
    modifiedMs: Float64Array.from(files, (file) => file.modifiedMs),
    refused: walk.refused,
    digest,
  };
}

/** The same inventory again; its paths share one block of memory. */
export function unpackInventory({
  paths,
  ends,
  sizesBytes,
  modifiedMs,
  ...rest
}: PackedInventory): Inventory {
  const files = Array.from(ends, (end, index) => ({
    path: paths.subarray(ends[index - 1] ?? 0, end),
    sizeBytes: sizesBytes[index] ?? 0,
    modifiedMs: modifiedMs[index] ?? 0,
  }));
  return { files, ...rest };
}
