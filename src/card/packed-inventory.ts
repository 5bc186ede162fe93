import { createHash } from "node:crypto";
import type { Inventory, RefusedEntry } from "../domain/card.ts";

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
  /** SHA-256 of all of it. */
  readonly digest: string;
}

export function packInventory({ files, refused }: Inventory): PackedInventory {
  const joined = Buffer.concat(files.map(({ path }) => path));
  const paths = new Uint8Array(joined.buffer, joined.byteOffset, joined.length);
  let end = 0;
  const ends = Float64Array.from(files, ({ path }) => (end += path.length));
  const sizesBytes = Float64Array.from(files, (file) => file.sizeBytes);
  const modifiedMs = Float64Array.from(files, (file) => file.modifiedMs);
  const hash = createHash("sha256");
  // Their lengths are in it, too, so that nothing moves from one part to the next.
  for (const part of [paths, ends, sizesBytes, modifiedMs]) hash.update(`${part.length} `).update(part);
  for (const { path, reason } of refused)
    hash.update(`${path.length} ${reason.length} `).update(path).update(reason);
  return { paths, ends, sizesBytes, modifiedMs, refused, digest: hash.digest("hex") };
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
