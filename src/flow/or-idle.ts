/**
 * Passes items on as they come, and `null` whenever none came for `idleMs`, so that a consumer which collects a batch can
 * finish what it holds instead of waiting for the batch to fill.
 */
export async function* orIdle<Item>(items: AsyncIterable<Item>, idleMs: number): AsyncGenerator<Item | null> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const { promise: idle, resolve } = Promise.withResolvers<null>();
      const timer = setTimeout(resolve, idleMs, null);
      // Cleared rather than aborted: that would make an error with its stack for every item.
      const result = await Promise.race([next, idle]).finally(() => clearTimeout(timer));
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
