/** How far a card is, in one moment: facts that only grow while it is worked on. */
export interface Progress {
  /** What people call the card. */
  readonly label: string;
  /** What has to be read from the card; 0 until it is listed. */
  readonly foundFiles: number;
  readonly foundBytes: number;
  /** Of those, what has been read and settled, whatever became of it. */
  readonly copiedFiles: number;
  readonly copiedBytes: number;
  readonly duplicates: number;
  readonly failed: number;
  /** Whether everything on the card is kept or named as failed. */
  readonly isOffloaded: boolean;
  /** Tiles the gallery will have, as far as is known. */
  readonly shownTotal: number;
  readonly rendered: number;
  readonly uploaded: number;
  readonly published: number;
  readonly link: string | null;
  /** What to tell people now, as a sentence: "Safe to remove." `null` while nothing needs to be said. */
  readonly sentence: string | null;
  /** Milliseconds of a clock that never jumps. */
  readonly startedMs: number;
  readonly nowMs: number;
}

/** An amount as it was at some moments of the last seconds, oldest first. */
export type Trail = readonly { readonly atMs: number; readonly amount: number }[];

/** Long enough to smooth the stalls of a card that clears its buffers, short enough to notice that it got slow. */
const WINDOW_MS = 10_000;
/** A rate over less time than this is noise. */
const LEAST_MS = 500;

/** The trail with a new moment, and without those that left the window; the last one outside it stays, as its edge. */
export function follow(trail: Trail, atMs: number, amount: number): Trail {
  const firstInside = trail.findIndex((moment) => moment.atMs >= atMs - WINDOW_MS);
  const kept = firstInside < 0 ? trail.slice(-1) : trail.slice(Math.max(0, firstInside - 1));
  return [...kept, { atMs, amount }];
}

/** Amount a second over the window, or `null` while too little is known. */
export function ratePerSecond(trail: Trail): number | null {
  const first = trail[0];
  const last = trail.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_MS) return null;
  return ((last.amount - first.amount) / (last.atMs - first.atMs)) * 1000;
}

/** Seconds until the rest is done at this rate, or `null` when nothing moves. */
export function secondsLeft(trail: Trail, total: number): number | null {
  const rate = ratePerSecond(trail);
  const last = trail.at(-1);
  if (rate === null || last === undefined || rate <= 0) return null;
  return Math.max(0, total - last.amount) / rate;
}
