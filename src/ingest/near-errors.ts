import type { Volume } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import type { Ports } from "./ports.ts";

/** A reset takes the kernel up to 30 s of trying before the error is told (SCSI command timeout); twice that is enough. */
const BREATH_MS = 60_000;

/** How often the kernel is asked for its count, besides before each batch is acknowledged: it costs a few reads of sysfs. */
const ASK_MS = 200;

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
 * again also when the error ended the card, or the process. A request that failed, was repeated by the kernel and then went well
 * is such an error, though nobody was told. A card that is well is read once.
 */
export function noticing(volume: Volume, ports: Ports, now = () => performance.now()): Ports {
  const { cards, catalog, library } = ports;
  let reads: { readonly path: CardPath; readonly endedMs: number }[] = [];
  let lastErrorMs = Number.NEGATIVE_INFINITY;
  /** What the kernel had counted, and when it was asked. */
  let [requests, askedMs] = [null as number | null, Number.NEGATIVE_INFINITY];

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

  /** Takes for an error whatever has failed since this was asked last. The kernel begins to count anew whenever a disk comes. */
  async function ask(): Promise<void> {
    askedMs = now();
    const [before, count] = [requests, await cards.failedRequests(volume)];
    requests = count;
    if (before !== null && count !== null && count > before) failed();
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
      async list(...args) {
        // What had failed before anything was read of it does not count.
        if (requests === null) await ask();
        return watched(cards.list(...args));
      },
      async assertPresent(from) {
        await watched(cards.assertPresent(from));
        // What this is asked for is acknowledged next.
        await ask();
      },
    },
    library: {
      ...library,
      headHashes: (...args) => watched(library.headHashes(...args)),
      readAgain: (...args) => watched(library.readAgain(...args)),
      async copy(from, file, signal) {
        const copy = await watched(library.copy(from, file, signal));
        read(file.path);
        if (now() - askedMs >= ASK_MS) await ask();
        return copy;
      },
    },
  };
}
