import { Failure } from "../domain/failure.ts";

/** A Wi-Fi that blinked is back by then. */
const FIRST_MS = 5_000;
/** A day without a network costs some 400 attempts, each a few refused connections; and guests wait no longer than this. */
const LONGEST_MS = 300_000;

/** When to try: `later` when it has just failed and may be possible then. */
export type Next = "at once" | "later" | "never";

interface RetryOptions {
  /** Tries once, and returns whether to try again. Ends soon when the signal aborts. */
  readonly attempt: (signal: AbortSignal) => Promise<Next>;
  readonly firstMs?: number;
  readonly longestMs?: number;
  /** At least 0, less than 1. */
  readonly random?: () => number;
}

/** Something that could not be done and may be possible later. Held at first. */
export interface Retry {
  /** Ends an attempt that is under way and lets none begin until `release`; each hold needs its own. */
  hold(): Promise<void>;
  /** The last release says what to do, and counts the waits from the shortest. */
  release(next: Next): void;
  /** Ends for good; resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/**
 * Tries again after waits that double, from five seconds to five minutes. Each is shortened by up to half at random: boxes
 * that lost one network do not all come back at the same moment.
 */
export function openRetry(options: RetryOptions): Retry {
  const { attempt, firstMs = FIRST_MS, longestMs = LONGEST_MS, random = Math.random } = options;
  let holds = 1;
  let waitMs = firstMs;
  let timer: NodeJS.Timeout | undefined;
  let running: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;

  function goOn(next: Next): void {
    if (holds > 0 || next === "never") return;
    if (next === "at once") begin();
    else {
      timer = setTimeout(begin, waitMs * (1 - random() / 2)).unref();
      waitMs = Math.min(waitMs * 2, longestMs);
    }
  }

  function begin(): void {
    const stop = new AbortController();
    running = { stop, ended: tryOnce(stop.signal) };
  }

  async function tryOnce(signal: AbortSignal): Promise<void> {
    const next = await attempt(signal);
    running = null;
    goOn(next);
  }

  async function hold(): Promise<void> {
    holds++;
    clearTimeout(timer);
    running?.stop.abort(new Failure("interrupted", "Something more urgent came."));
    await running?.ended;
  }

  return {
    hold,
    release(next) {
      holds--;
      waitMs = firstMs;
      goOn(next);
    },
    close: hold,
  };
}
