import { setImmediate as nextTurn } from "node:timers/promises";
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
/** Originals looked at in one go; after so many, whatever else waits has its turn. */
export const LOOKS = 1024;

/** What is known of a volume and still in the library, by `pathKey`: a row says only that it was. Nothing where all is read anyway. */
export async function knownAndThere(
  volume: Volume,
  { rescan }: Pick<OffloadOptions, "rescan">,
  { catalog, library }: Pick<Ports, "catalog" | "library">,
): Promise<ReadonlyMap<string, KnownFile>> {
  if (rescan === "full") return new Map();
  const known = catalog.known(volume.id);
  for (const entries of batches(known, LOOKS)) {
    const isThere = library.holdsEach(
      entries.map(([, { originalPath: path, sizeBytes }]) => ({ path, sizeBytes })),
    );
    for (const [index, [key]] of entries.entries()) if (isThere[index] !== true) known.delete(key);
    await nextTurn();
  }
  return known;
}

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
  if (rescan === "sampled") await sample(unchanged);
  // In the order of the listing: the gallery grows in the order the pictures were taken.
  return changed.size === 0 ? [] : inventory.files.filter((file) => changed.has(file));

  /** How they begin on the card. A head that cannot be read is no proof of sameness: the file is read like a new one, and named if it fails. */
  async function sample(all: readonly CardFile[]): Promise<void> {
    const listen = openListener(volume);
    await runStep({
      from: batches(all, BATCH),
      concurrency: readers,
      run: async (files) => ({ files, heads: await headsOf(files, listen) }),
      commit: (done) => {
        for (const { files, heads } of done) {
          for (const [index, file] of files.entries())
            if (heads[index] !== known.get(pathKey(file.path))?.headHash) changed.add(file);
          const bytes = files.reduce((sum, file) => sum + Math.min(file.sizeBytes, HEAD_BYTES), 0);
          report({ kind: "sampled", bytes });
        }
      },
    });
  }

  /** Those of a batch that brought nothing are unknown; two such batches in a row are the card. */
  async function headsOf(
    files: readonly CardFile[],
    listen: ReturnType<typeof openListener>,
  ): Promise<readonly (string | null)[]> {
    try {
      return await listen(async () => library.headHashes(volume, files, signal));
    } catch (error) {
      if (Failure.is(error, "file")) return files.map(() => null);
      throw error;
    }
  }
}

/** The items in their order, so many at once. */
export function* batches<Item>(items: Iterable<Item>, size: number): Generator<readonly Item[]> {
  let batch: Item[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
