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

/** What of a listing has to be read, in its order: all that is not `known` of the volume, or not as it was. */
export async function whatIsNew(
  volume: Volume,
  inventory: Inventory,
  known: ReadonlyMap<string, KnownFile>,
  { rescan, readers }: OffloadOptions,
  { library }: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<readonly CardFile[]> {
  if (rescan === "full") return inventory.files;
  const { added, modified, unchanged } = compare(inventory.files, known);
  const changed = new Set<CardFile>([...added, ...modified]);
  const listen = openListener(volume);
  await runStep({
    from: batches(unchanged),
    concurrency: readers,
    run: async (files) => ({ files, ...(await look(files)) }),
    commit: (done) => {
      for (const { files, isKept, heads } of done) {
        for (const [index, file] of files.entries()) {
          // A head that cannot be read is no proof of sameness: the file is read like a new one, and named if it fails.
          const isSame = heads === null || heads[index] === known.get(pathKey(file.path))?.headHash;
          if (isKept[index] !== true || !isSame) changed.add(file);
        }
        const bytes = files.reduce((sum, file) => sum + Math.min(file.sizeBytes, HEAD_BYTES), 0);
        if (heads !== null) report({ kind: "sampled", bytes });
      }
    },
  });
  // In the order of the listing: the gallery grows in the order the pictures were taken.
  return inventory.files.filter((file) => changed.has(file));

  /** What of these the library still holds: a row says only that it did. With `sampled`, how they begin on the card, too. */
  async function look(files: readonly CardFile[]) {
    const originals = files.map((file) => {
      const { originalPath: path = "", sizeBytes = -1 } = known.get(pathKey(file.path)) ?? {};
      return { path, sizeBytes };
    });
    const isKept = library.holdsEach(originals);
    return { isKept, heads: rescan === "sampled" ? await headsOf(files) : null };
  }

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
