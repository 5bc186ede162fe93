import type { Volume } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import type { Ports } from "./ports.ts";

/** A reset takes the kernel up to 30 s of trying before the error is told (SCSI command timeout); twice that is enough. */
const BREATH_MS = 60_000;

/** What a reader that resets itself, a loose contact or a pulled card looks like. */
const TROUBLES: ReadonlySet<FailureCode> = new Set([
  "card-removed",
  "card-unreadable",
  "file-silent",
  "file-unreadable",
]);

/**
 * The same ports, with an eye on what is read of this card: a reader that resets itself, or a loose contact, also gives wrong
 * bytes without an error. What was read within a minute of one, before or after, is noted in the catalog, so that it is read
 * again also when the error ended the card, or the process. A card that is well is read once.
 */
export function noticing(volume: Volume, ports: Ports, now = () => performance.now()): Ports {
  const { cards, catalog, library } = ports;
  let reads: { readonly path: CardPath; readonly endedMs: number }[] = [];
  let lastErrorMs = Number.NEGATIVE_INFINITY;

  function read(path: CardPath): void {
    const endedMs = now();
    while (endedMs - (reads[0]?.endedMs ?? endedMs) > BREATH_MS) reads.shift();
    if (endedMs - lastErrorMs <= BREATH_MS) note([path]);
    else reads.push({ path, endedMs });
  }

  function failed(): void {
    lastErrorMs = now();
    const near = reads.filter(({ endedMs }) => lastErrorMs - endedMs <= BREATH_MS);
    reads = [];
    note(near.map(({ path }) => path));
  }

  /** Where the catalog cannot be written, nothing that was read is acknowledged either. */
  function note(paths: readonly CardPath[]): void {
    try {
      if (paths.length > 0) catalog.suspect(volume.id, paths);
    } catch (unwritten) {
      if (!(unwritten instanceof Failure)) throw unwritten;
    }
  }

  async function watched<Reply>(work: Promise<Reply>): Promise<Reply> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Failure && TROUBLES.has(error.code)) failed();
      throw error;
    }
  }

  return {
    ...ports,
    cards: {
      ...cards,
      list: (...args) => watched(cards.list(...args)),
      assertPresent: (...args) => watched(cards.assertPresent(...args)),
    },
    library: {
      ...library,
      headHashes: (...args) => watched(library.headHashes(...args)),
      readAgain: (...args) => watched(library.readAgain(...args)),
      async copy(from, file, signal) {
        const copy = await watched(library.copy(from, file, signal));
        read(file.path);
        return copy;
      },
    },
  };
}
