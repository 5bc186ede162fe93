interface RoundsOptions {
  /** Does one round; ends soon, with any outcome, when the signal aborts. What it throws otherwise is a bug. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  readonly firstMs: number;
  readonly everyMs: number;
  /** A round begins only when nobody has held it for so long, and that long after the start. */
  readonly restMs?: number;
}

/** Something that is done as often as asked while there is nothing better to do. */
export interface Rounds {
  /** Ends a round that is under way and lets none begin until `release`; each hold needs its own. Never throws. */
  hold(): Promise<void>;
  release(): void;
  /** Does one more round as soon as it may: at once, or when the one under way is done or it has rested after the last hold. */
  soon(): void;
  /** Ends for good; resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** Counts time the process is up, which no clock can make jump. A round that was held up is made up for as soon as it may. */
export function openRounds({ round, firstMs, everyMs, restMs = 0 }: RoundsOptions): Rounds {
  let holds = 0;
  let isRested = false;
  let resting: NodeJS.Timeout | undefined;
  let isDue = false;
  let running: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;
  let timer = setTimeout(fall, firstMs).unref();
  rest();

  function rest(): void {
    const end = () => {
      isRested = true;
      begin();
    };
    if (restMs === 0) end();
    else resting = setTimeout(end, restMs).unref();
  }

  function fall(): void {
    isDue = true;
    timer = setTimeout(fall, everyMs).unref();
    begin();
  }

  function begin(): void {
    if (!isDue || !isRested || holds > 0 || running !== null) return;
    isDue = false;
    const stop = new AbortController();
    const ended = go(stop.signal).finally(() => {
      running = null;
      begin();
    });
    running = { stop, ended };
  }

  async function go(signal: AbortSignal): Promise<void> {
    try {
      await round(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      isDue = true;
    }
  }

  async function hold(): Promise<void> {
    holds++;
    isRested = false;
    clearTimeout(resting);
    running?.stop.abort();
    await running?.ended;
  }

  return {
    hold,
    release() {
      holds--;
      if (holds === 0) rest();
    },
    soon() {
      isDue = true;
      begin();
    },
    async close() {
      clearTimeout(timer);
      await hold();
    },
  };
}
