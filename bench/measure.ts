/** What a question is asked with. */
export interface Setting {
  /** A folder of its own on a real disk, removed afterwards. */
  readonly folder: string;
  /** A smaller run for CI: the same rows, with more noise in them. */
  readonly isShort: boolean;
}

type Work = (round: number) => unknown;

/** Seconds a piece of work takes. */
export async function secondsOf(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

/**
 * Runs the candidates one after the other, round after round, so that what else the machine does meets all of them alike.
 * Returns the seconds of each candidate, one a round. A round 0 before that is not counted: caches fill, threads start.
 */
export async function interleave<Name extends string>(
  rounds: number,
  candidates: Readonly<Record<Name, Work>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(candidates) as Name[];
  const seconds = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      const took = await secondsOf(() => candidates[name](round));
      if (round > 0) seconds[name].push(took);
    }
  return seconds;
}

/** The middle value; half of all are below. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** How many times as long the first takes as the second: the median over rounds, since neighbors share their noise. */
export function ratioOf(first: readonly number[], second: readonly number[]): number {
  return median(first.map((seconds, round) => seconds / (second[round] ?? Number.NaN)));
}
