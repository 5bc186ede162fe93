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
  which: "all" | "as far as it is there" = "all",
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
        if (outcome === "equal" || outcome === "cached" || isOver(outcome)) continue;
        different.add(pathKey(file.path));
        const kept = outcome === "different" ? await keepOther(file, hash) : outcome.message;
        catalog.doubt(session.id, file.path, `${kept} ${FAILURES["source-differs"].hint}`);
      }
      // What could not be read is suspect until it can be.
      const done = batch.filter(({ outcome }) => typeof outcome === "string" || isOver(outcome));
      catalog.unsuspect(
        volume.id,
        done.map(({ file }) => file.path),
      );
      report({
        kind: "read-again",
        files: batch.length,
        bytes: batch.reduce((sum, { file }) => sum + file.sizeBytes, 0),
      });
    },
  });
  if (keptMore) await library.writeManifest(sessionFolder(session), catalog.manifest(session));
  return { source: different.size > 0 ? "different" : isCached ? "cached" : "equal", different };

  /** Deleted, or shot again: the second listing tells, and it is read as it is now. */
  function isOver(outcome: Failure | string): boolean {
    return which !== "all" && outcome instanceof Failure && outcome.code === "file-changed";
  }

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
 * Reads again what was read near an error of this card, be it in an earlier run that ended with it, and compares it as
 * `readAgain` does. What the card no longer has as it was kept is no longer asked for.
 */
export async function readSuspects(
  session: Session,
  volume: Volume,
  readers: number,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { catalog } = ports;
  const suspects = catalog.suspects(volume.id);
  if (suspects.length === 0) return;
  const known = catalog.known(volume.id);
  const kept: Read[] = [];
  for (const path of suspects) {
    const before = known.get(pathKey(path));
    if (before !== undefined) kept.push({ file: { ...before, path }, hash: before.hash });
  }
  await readAgain(kept, volume, session, readers, ports, report, signal, "as far as it is there");
  const unknown = suspects.filter((path) => !known.has(pathKey(path)));
  catalog.unsuspect(volume.id, unknown);
}

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
