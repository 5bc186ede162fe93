import type { Doorbell } from "../flow/doorbell.ts";

/** Rows are read in pages: an open cursor would block every write (SQLite, "database connection is busy"). */
const PAGE = 64;

export interface Backlog<Item> {
  /** The items still to do, oldest first; ends when none is left and none will come. */
  items(signal: AbortSignal): AsyncGenerator<Item>;
  /** Says that these have moved on, so that the catalog no longer returns them. */
  settle(items: readonly Item[]): void;
}

/**
 * What a step has to do, asked of the catalog page by page: the catalog is the queue between steps, so a step that is
 * started again goes on by itself. The bell says that there is more.
 */
export function backlog<Item>(
  take: (limit: number) => readonly Item[],
  idOf: (item: Item) => number,
  bell: Doorbell,
  isOver: () => boolean,
): Backlog<Item> {
  const inFlight = new Set<number>();
  return {
    async *items(signal) {
      for (;;) {
        signal.throwIfAborted();
        // Asked before the look, so that what arrives between look and answer is not missed.
        const wasOver = isOver();
        const fresh = take(inFlight.size + PAGE).filter((item) => !inFlight.has(idOf(item)));
        for (const item of fresh) {
          signal.throwIfAborted();
          inFlight.add(idOf(item));
          yield item;
        }
        if (fresh.length > 0) continue;
        if (wasOver) return;
        await bell.wait(signal);
      }
    },
    settle(items) {
      for (const item of items) inFlight.delete(idOf(item));
    },
  };
}
