import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { compare } from "../domain/card.ts";
import { pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { KnownFile, Ports } from "./ports.ts";
import type { Report } from "./report.ts";
import { runStep } from "./step.ts";

/** What `sampled` compares of each file: camera, time and embedded preview are in there. */
const HEAD_BYTES = 64 * 1024;

/** Splits a listing into what is kept already and what has to be read. */
export async function whatIsNew(
  volume: Volume,
  inventory: Inventory,
  { rescan, readers }: OffloadOptions,
  { catalog, library }: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<{ readonly knownFiles: number; readonly fresh: readonly CardFile[] }> {
  if (rescan === "full") return { knownFiles: 0, fresh: inventory.files };
  const known = catalog.known(volume.id);
  const { added, modified, unchanged } = compare(inventory.files, known);
  const changed = new Set<CardFile>([...added, ...modified]);
  if (rescan === "sampled")
    await runStep({
      from: unchanged,
      concurrency: readers,
      run: async (file) => ({ file, isSame: await isSameHead(volume, file, known, library, signal) }),
      commit: (batch) => {
        for (const { file, isSame } of batch) if (!isSame) changed.add(file);
        report({
          kind: "sampled",
          bytes: batch.reduce((sum, { file }) => sum + Math.min(file.sizeBytes, HEAD_BYTES), 0),
        });
      },
    });
  // In the order of the listing: the gallery grows in the order the pictures were taken.
  const fresh = inventory.files.filter((file) => changed.has(file));
  return { knownFiles: inventory.files.length - fresh.length, fresh };
}

/** A head that cannot be read is no proof of sameness: the file is read like a new one, and named if it fails. */
async function isSameHead(
  volume: Volume,
  file: CardFile,
  known: ReadonlyMap<string, KnownFile>,
  library: Ports["library"],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await library.headHash(volume, file, signal)) === known.get(pathKey(file.path))?.headHash;
  } catch (error) {
    if (Failure.is(error, "file")) return false;
    throw error;
  }
}
