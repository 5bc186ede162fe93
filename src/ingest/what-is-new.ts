import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { compare } from "../domain/card.ts";
import { pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { KnownFile, Ports } from "./ports.ts";
import type { Report } from "./report.ts";
import { openListener } from "./silence.ts";
import { runStep } from "./step.ts";

/** What `sampled` compares of each file: camera, time and embedded preview are in there. */
const HEAD_BYTES = 64 * 1024;
/** Files looked into by one message to a worker: a message takes as long as a look, and 4 MiB are read in no time. */
const BATCH = 64;

/** Splits a listing into what is kept already, of what is `known` of the volume, and what has to be read. */
export async function whatIsNew(
  volume: Volume,
  inventory: Inventory,
  known: ReadonlyMap<string, KnownFile>,
  { rescan, readers }: OffloadOptions,
  { library }: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<{ readonly knownFiles: number; readonly fresh: readonly CardFile[] }> {
  if (rescan === "full") return { knownFiles: 0, fresh: inventory.files };
  const { added, modified, unchanged } = compare(inventory.files, known);
  const changed = new Set<CardFile>([...added, ...modified]);
  const listen = openListener(volume);
  if (rescan === "sampled")
    await runStep({
      from: batches(unchanged),
      concurrency: readers,
      run: async (files) => ({ files, heads: await headsOf(files) }),
      commit: (done) => {
        for (const { files, heads } of done) {
          // A head that cannot be read is no proof of sameness: the file is read like a new one, and named if it fails.
          for (const [index, file] of files.entries())
            if (heads[index] !== known.get(pathKey(file.path))?.headHash) changed.add(file);
          const bytes = files.reduce((sum, file) => sum + Math.min(file.sizeBytes, HEAD_BYTES), 0);
          report({ kind: "sampled", bytes });
        }
      },
    });
  // In the order of the listing: the gallery grows in the order the pictures were taken.
  const fresh = inventory.files.filter((file) => changed.has(file));
  return { knownFiles: inventory.files.length - fresh.length, fresh };

  /** Those of a batch that brought nothing are unknown; two such batches in a row are the card. */
  async function headsOf(files: readonly CardFile[]): Promise<readonly (string | null)[]> {
    try {
      return await listen(async () => library.headHashes(volume, files, signal));
    } catch (error) {
      if (Failure.is(error, "file")) return files.map(() => null);
      throw error;
    }
  }
}

function* batches(files: readonly CardFile[]): Generator<readonly CardFile[]> {
  for (let start = 0; start < files.length; start += BATCH) yield files.slice(start, start + BATCH);
}
