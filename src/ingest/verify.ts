import { Failure } from "../domain/failure.ts";
import type { Finding, ReadBack } from "../domain/finding.ts";
import type { ContentHash } from "../domain/hash.ts";
import { runStep } from "./step.ts";

/** An original as it was kept. */
interface Original {
  readonly hash: ContentHash;
  /** Below the library's root. */
  readonly path: string;
  readonly sizeBytes: number;
}

type SecondCopy = { readonly file: string } | { readonly bytes: Uint8Array };

/** A place that may hold a second copy of an original. */
export interface SecondPlace {
  /** For people: `the second disk`. */
  readonly name: string;
  /** Throws `remote-*` or `second-*` when it cannot be asked now. What it gives is proved before it is used. */
  find(original: Original, signal: AbortSignal): Promise<SecondCopy | null>;
}

export interface VerifyPorts {
  readonly catalog: {
    nextRun(): number;
    originals(): { readonly originals: number; readonly bytes: number; readonly findings: number };
    due(run: number, limit: number): readonly Original[];
    markRead(
      run: number,
      batch: readonly { readonly hash: ContentHash; readonly finding: Finding | null }[],
    ): void;
    modifiedMs(hash: ContentHash): number | null;
  };
  readonly library: {
    assertThere(): void;
    readBack(original: Original, signal: AbortSignal): Promise<ReadBack>;
    replace(
      original: Original,
      second: SecondCopy,
      modifiedMs: number | null,
      signal: AbortSignal,
    ): Promise<boolean>;
  };
  /** Asked one after the other when an original is to be repaired. */
  readonly places: readonly SecondPlace[];
}

export interface VerifyOptions {
  /** Reads one part of so many: with 30, everything is read within 30 runs. 1 reads everything. */
  readonly share: number;
  readonly isRepairing: boolean;
  /** Files read at once. */
  readonly readers: number;
}

/** An original that is not, or was not, as it was kept. */
interface Rot {
  readonly path: string;
  readonly hash: ContentHash;
  readonly finding: Finding;
  /** Where the good copy came from that is in its place now; `null` when it is not repaired. */
  readonly repairedFrom: string | null;
}

export interface Verified {
  readonly run: number;
  /** Originals in the library. */
  readonly total: number;
  /** Read back from the medium itself, and as they were kept. */
  readonly cold: number;
  /** Read back as they were kept, but out of memory: their medium was not asked. */
  readonly cached: number;
  readonly readBytes: number;
  /** Not read in this run: nothing is said of them. */
  readonly unread: number;
  /** Why a place that may hold good copies could not be asked, in sentences. */
  readonly unasked: readonly string[];
  readonly rot: readonly Rot[];
}

/** Rows taken at once, so that a library of any size fits into memory. */
const PAGE = 256;

/**
 * Reads a share of the originals back and compares them with what was kept: first those that were not all right, then those
 * read longest ago. What has been read is written down as it goes, so that a run that is broken off is not lost.
 */
export async function verify(
  { share, isRepairing, readers }: VerifyOptions,
  { catalog, library, places }: VerifyPorts,
  progress: (readFiles: number, ofFiles: number) => void,
  signal: AbortSignal,
): Promise<Verified> {
  const run = catalog.nextRun();
  const { originals: total, findings } = catalog.originals();
  if (total > 0) library.assertThere();
  const goal = Math.min(total, findings + Math.ceil((total - findings) / share));
  const rot: Rot[] = [];
  const unasked = new Set<string>();
  let [cold, cached, readBytes] = [0, 0, 0];

  for (let left = goal; left > 0; ) {
    const page = catalog.due(run, Math.min(left, PAGE));
    if (page.length === 0) break;
    left -= page.length;
    await runStep({
      from: page,
      concurrency: readers,
      run: async (original) => {
        signal.throwIfAborted();
        const found = await library.readBack(original, signal);
        const repairedFrom = found.state !== "as-kept" && isRepairing ? await repair(original) : null;
        return { original, found, repairedFrom };
      },
      bytesOf: ({ original }) => original.sizeBytes,
      commit: (batch) => {
        catalog.markRead(
          run,
          batch.map(({ original: { hash }, found: { state }, repairedFrom }) => ({
            hash,
            finding: state === "as-kept" || repairedFrom !== null ? null : state,
          })),
        );
        for (const { original, found, repairedFrom } of batch) {
          const { path, hash, sizeBytes } = original;
          if (found.state !== "as-kept") {
            rot.push({ path, hash, finding: found.state, repairedFrom });
            continue;
          }
          if (found.proof === "cold") cold++;
          else cached++;
          readBytes += sizeBytes;
        }
        progress(cold + cached + rot.length, goal);
      },
    });
  }
  const sorted = rot.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const unread = total - cold - cached - rot.length;
  return { run, total, cold, cached, readBytes, unread, rot: sorted, unasked: [...unasked] };

  /** The name of the first place whose copy is good and is now in place; `null` when there is none. */
  async function repair(original: Original): Promise<string | null> {
    for (const place of places) {
      const second = await ask(place, original);
      if (second === null) continue;
      if (await library.replace(original, second, catalog.modifiedMs(original.hash), signal))
        return place.name;
    }
    return null;
  }

  /** A place that is away is no reason to stop: the next one may have the copy. */
  async function ask(place: SecondPlace, original: Original): Promise<SecondCopy | null> {
    try {
      return await place.find(original, signal);
    } catch (error) {
      if (!Failure.is(error, "session")) throw error;
      unasked.add(`${place.name}: ${error.message}`);
      return null;
    }
  }
}
