import { setTimeout as delay } from "node:timers/promises";

/**
 * Passes items on as they come, and `null` whenever none came for `idleMs`, so that a consumer which collects a batch can
 * finish what it holds instead of waiting for the batch to fill.
 */
export async function* orIdle<Item>(items: AsyncIterable<Item>, idleMs: number): AsyncGenerator<Item | null> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const timer = new AbortController();
      const idle = delay(idleMs, null, { signal: timer.signal }).catch(() => null);
      const result = await Promise.race([next, idle]);
      timer.abort();
      if (result === null) {
        yield null;
        continue;
      }
      if (result.done) return;
      yield result.value;
      next = iterator.next();
    }
  } finally {
    // A consumer that stops early leaves a pull under way: its outcome is nobody's any more, and must not end the process.
    next.catch(() => undefined);
    await iterator.return?.();
  }
}
