import { setTimeout as delay } from "node:timers/promises";

const EVERY_MS = 20;

/**
 * Asks a daemon for its health again and again, and one answer after the other: how long the slowest took says for how long it
 * can have stood still. Returns what ends it.
 */
export function askForHealth(web: string): () => Promise<{ answers: number; slowestMs: number }> {
  const asking = new AbortController();
  const times: number[] = [];
  const asked = (async () => {
    while (!asking.signal.aborted) {
      const startedMs = performance.now();
      await (await fetch(`${web}/healthz`)).arrayBuffer();
      times.push(performance.now() - startedMs);
      await delay(EVERY_MS);
    }
  })();
  // Awaited in the end; until then a rejection must not end the process.
  asked.catch(() => undefined);
  return async () => {
    asking.abort();
    await asked;
    return { answers: times.length, slowestMs: Math.round(Math.max(...times)) };
  };
}
