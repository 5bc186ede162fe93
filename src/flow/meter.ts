import { setTimeout as delay } from "node:timers/promises";

/** What was not used for a moment may be used the next; longer, and a pause would be followed by a flood. */
const BURST_MS = 100;

/** A limit that all who ask share. */
export interface Meter {
  readonly bytesPerSecond: number;
  /** Resolves when so many bytes may go; who asks first goes first. Over any second, no more than the limit and a tenth of it goes. */
  take(bytes: number): Promise<void>;
}

export function openMeter(bytesPerSecond: number, now: () => number = () => performance.now()): Meter {
  /** When what was asked for until now will have gone. */
  let goneMs = Number.NEGATIVE_INFINITY;
  return {
    bytesPerSecond,
    async take(bytes) {
      const startMs = Math.max(goneMs, now() - BURST_MS);
      goneMs = startMs + (bytes / bytesPerSecond) * 1000;
      const waitMs = goneMs - now();
      if (waitMs > 0) await delay(waitMs);
    },
  };
}
