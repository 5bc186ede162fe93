/** Lets so many in at once, in the order they came. */
export interface Turns {
  /** Does the work when its turn has come; resolves and rejects as it does. */
  take<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Whether whoever comes now has to wait. */
  readonly isFull: boolean;
}

export function openTurns(places = 1): Turns {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    get isFull() {
      return taken >= places;
    },
    async take(work) {
      if (taken < places) taken++;
      // Whoever leaves hands its place on.
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) taken--;
        else next();
      }
    },
  };
}
