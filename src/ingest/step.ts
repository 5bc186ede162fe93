import { pMapIterable, pMapSkip } from "p-map";
import { Failure } from "../domain/failure.ts";
import { orIdle } from "../flow/or-idle.ts";

/** The most that is redone after a crash: commits cost an fsync each, and losing one costs work, never a file. */
const BATCH_ITEMS = 32;
const BATCH_BYTES = 64 * 1024 * 1024;
/** How long something done may wait for company. Short, since what waits is not acknowledged yet. */
const IDLE_MS = 200;

export interface Step<Input, Outcome> {
  readonly from: AsyncIterable<Input> | Iterable<Input>;
  readonly concurrency: number;
  /** When it aborts, nothing more is begun; what is under way ends and is committed, then its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Does the work for one item. A failure that concerns only this item is an outcome; what is thrown stops the step. */
  readonly run: (input: Input) => Promise<Outcome>;
  /** Writes down, in one transaction, that the work is done. Nothing is told to anybody before this has returned. */
  readonly commit: (batch: readonly Outcome[]) => void | Promise<void>;
  readonly bytesOf?: (outcome: Outcome) => number;
}

/**
 * Runs one step of the story over its items, a bounded number at once, and commits the outcomes in batches. The first
 * batches are small, so that the first picture does not wait for the thirty-second. When the step is stopped by a throw,
 * what was already done is still committed if that can be.
 */
export async function runStep<Input, Outcome>(step: Step<Input, Outcome>): Promise<void> {
  let batch: Outcome[] = [];
  let batchBytes = 0;
  let batchItems = 1;
  const commit = async () => {
    if (batch.length === 0) return;
    const done = batch;
    batch = [];
    batchBytes = 0;
    batchItems = Math.min(batchItems * 2, BATCH_ITEMS);
    await step.commit(done);
  };

  // p-map takes the next items from their source while others are worked on: they have not been begun.
  const unlessAborted = async (input: Input) => (step.signal?.aborted ? pMapSkip : step.run(input));
  const outcomes = pMapIterable(untilAborted(step.from, step.signal), unlessAborted, {
    concurrency: step.concurrency,
    backpressure: step.concurrency * 2,
    preserveOrder: false,
  });
  try {
    for await (const outcome of orIdle(outcomes, IDLE_MS)) {
      if (outcome !== null) {
        batch.push(outcome);
        batchBytes += step.bytesOf?.(outcome) ?? 0;
      }
      if (outcome === null || batch.length >= batchItems || batchBytes >= BATCH_BYTES) await commit();
    }
  } catch (error) {
    // What stopped the step is what is told, unless the commit met a bug.
    await commit().catch((failed: unknown) => {
      if (!Failure.is(failed)) throw failed;
    });
    throw error;
  }
  await commit();
  step.signal?.throwIfAborted();
}

async function* untilAborted<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item> {
  for await (const item of items) {
    if (signal?.aborted) return;
    yield item;
  }
}
