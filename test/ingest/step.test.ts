import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { runStep } from "../../src/ingest/step.ts";

describe("a step of the story", () => {
  it("does each item once, never more than allowed at once, and commits each outcome once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        async (pauses, concurrency) => {
          let [running, most] = [0, 0];
          const committed: number[] = [];
          await runStep({
            from: pauses.map((pauseMs, id) => ({ id, pauseMs })),
            concurrency,
            run: async ({ id, pauseMs }) => {
              most = Math.max(most, ++running);
              if (pauseMs > 0) await delay(pauseMs);
              running--;
              return id;
            },
            commit: (batch) => void committed.push(...batch),
          });
          assert.ok(most <= concurrency);
          assert.deepEqual(
            committed.toSorted((a, b) => a - b),
            pauses.map((_, id) => id),
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  it("commits the first outcome alone, so that the first picture does not wait, and later ones in batches of 32", async () => {
    const sizes: number[] = [];
    await runStep({
      from: Array.from({ length: 200 }, (_, id) => id),
      concurrency: 2,
      run: async (id) => id,
      commit: (batch) => void sizes.push(batch.length),
    });
    assert.deepEqual(sizes.slice(0, 7), [1, 2, 4, 8, 16, 32, 32]);
  });

  it("commits what is done while a slow item still runs", async () => {
    const committed: number[] = [];
    let seenMeanwhile: number[] = [];
    await runStep({
      from: [0, 1, 2, 600],
      concurrency: 2,
      run: async (pauseMs) => {
        await delay(pauseMs);
        if (pauseMs === 600) seenMeanwhile = [...committed];
        return pauseMs;
      },
      commit: (batch) => void committed.push(...batch),
    });
    assert.deepEqual(
      seenMeanwhile.toSorted((a, b) => a - b),
      [0, 1, 2],
    );
  });

  it("commits what was done before it throws what stopped it", async () => {
    const committed: number[] = [];
    const step = runStep({
      from: [1, 2, 3, 4, 5, 6, 7],
      concurrency: 1,
      run: async (id) => {
        if (id === 7) throw new Error("the card is gone");
        return id;
      },
      commit: (batch) => void committed.push(...batch),
    });
    await assert.rejects(step, /the card is gone/);
    assert.deepEqual(committed, [1, 2, 3, 4, 5, 6]);
  });

  it("begins nothing once it is asked to stop, also not what it has taken from its source; what is under way ends", async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const committed: number[] = [];
    const step = runStep({
      from: Array.from({ length: 20 }, (_, id) => id),
      concurrency: 3,
      signal: stop.signal,
      run: async (id) => {
        begun.push(id);
        await delay(10);
        if (id === 0) stop.abort(new Error("asked to stop"));
        await delay(10);
        return id;
      },
      commit: (batch) => void committed.push(...batch),
    });
    await assert.rejects(step, /asked to stop/);
    assert.deepEqual(begun, [0, 1, 2]);
    assert.deepEqual(
      committed.toSorted((a, b) => a - b),
      [0, 1, 2],
    );
  });

  it("stops when a commit fails, and says why", async () => {
    const step = runStep({
      from: [1, 2, 3],
      concurrency: 1,
      run: async (id) => id,
      commit: () => {
        throw new Error("the disk is full");
      },
    });
    await assert.rejects(step, /the disk is full/);
  });
});
