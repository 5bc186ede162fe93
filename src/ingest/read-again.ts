import type { CardFile, Volume } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { FAILURES, Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { originalPath, sessionFolder } from "../domain/layout.ts";
import type { FormatFacts } from "../domain/safety.ts";
import type { Session } from "../domain/session.ts";
import type { Ports } from "./ports.ts";
import type { Report } from "./report.ts";
import { openListener } from "./silence.ts";
import { runStep } from "./step.ts";

/** A file whose content is kept, and what it was when it was read first. */
interface Read {
  readonly file: CardFile;
  readonly hash: ContentHash;
}

export interface ReadAgain {
  readonly source: FormatFacts["source"];
  /** `pathKey` of the files that did not come out the same. */
  readonly different: ReadonlySet<string>;
}

/**
 * Reads kept files from the card once more, past the page cache, and compares them with what was kept. What differs is named
 * in the session; the kept content stays, and the other one is kept beside it when it can be proved. Throws `card-removed`.
 */
export async function readAgain(
  files: readonly Read[],
  volume: Volume,
  session: Session,
  readers: number,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<ReadAgain> {
  const { cards, catalog, library } = ports;
  const different = new Set<string>();
  const listen = openListener(volume);
  let [isCached, keptMore] = [false, false];
  await runStep({
    from: files,
    concurrency: readers,
    run: async (read) => ({ ...read, outcome: await compare(read) }),
    commit: async (batch) => {
      // Another card below the same mount would be told as a card that changes its mind.
      await cards.assertPresent(volume);
      for (const { file, hash, outcome } of batch) {
        if (outcome === "cached") isCached = true;
        if (outcome === "equal") catalog.undoubt(volume.id, file.path);
        if (outcome === "equal" || outcome === "cached") continue;
        different.add(pathKey(file.path));
        const kept = outcome === "different" ? await keepOther(file, hash) : outcome.message;
        catalog.doubt(session.id, file.path, `${kept} ${FAILURES["source-differs"].hint}`);
      }
      report({
        kind: "read-again",
        files: batch.length,
        bytes: batch.reduce((sum, { file }) => sum + file.sizeBytes, 0),
      });
    },
  });
  if (keptMore) await library.writeManifest(sessionFolder(session), catalog.manifest(session));
  return { source: different.size > 0 ? "different" : isCached ? "cached" : "equal", different };

  async function compare({ file, hash }: Read): Promise<"equal" | "cached" | "different" | Failure> {
    try {
      const again = await listen(async () => library.readAgain(volume, file, signal));
      if (again.hash !== hash) return "different";
      return again.proof === "cold" ? "equal" : "cached";
    } catch (error) {
      if (Failure.is(error, "file")) return error;
      throw error;
    }
  }

  /** Reads a third time, with a copy: either the first reading is borne out, or there is something else to be kept. */
  async function keepOther(file: CardFile, hash: ContentHash): Promise<string> {
    const name = displayPath(file.path);
    try {
      const copy = await listen(async () => library.copy(volume, file, signal));
      return await library.alone(async () => {
        const known = catalog.original(copy.hash);
        if (copy.hash === hash || (known !== null && (await library.holds(known.path, known.sizeBytes)))) {
          await library.discard(copy);
          return copy.hash === hash
            ? `${name} gave other bytes when it was read again, and the first ones at a third reading: these are kept.`
            : `${name} gave other bytes when it was read again; both are kept.`;
        }
        const path = await library.place(copy, originalPath(session, file.path));
        await library.sync([path]);
        catalog.keepOther(session, copy, path);
        keptMore = true;
        return `${name} gave other bytes when it was read again; both are kept, the second as ${path}.`;
      });
    } catch (error) {
      if (!Failure.is(error, "file")) throw error;
      return `${name} gave other bytes when it was read again, and could not be read a third time; the first ones are kept.`;
    }
  }
}

/**
 * Files of which something else was unreadable within a minute: a reader that resets itself, or a loose contact, also gives
 * wrong bytes without an error. Only those are read twice, so a good card is not.
 */
export function suspects<Outcome extends { readonly endedMs: number }>(
  reads: readonly Outcome[],
  errorsMs: readonly number[],
): readonly Outcome[] {
  return reads.filter(({ endedMs }) => errorsMs.some((atMs) => Math.abs(endedMs - atMs) <= BREATH_MS));
}

/** A reset takes the kernel up to 30 s of trying before the error is told (SCSI command timeout); twice that is enough. */
const BREATH_MS = 60_000;

/** Of these files, those that are kept with this size and time, with what they were when they were read. */
export function keptOf(
  files: readonly CardFile[],
  volume: Volume,
  catalog: Ports["catalog"],
): readonly Read[] {
  const known = catalog.known(volume.id);
  return files.flatMap((file) => {
    const before = known.get(pathKey(file.path));
    const isSame = before?.sizeBytes === file.sizeBytes && before.modifiedMs === file.modifiedMs;
    return before !== undefined && isSame ? [{ file, hash: before.hash }] : [];
  });
}
