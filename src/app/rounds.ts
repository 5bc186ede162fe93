/** Long enough after a start that a stack of cards is through. */
const FIRST_MS = 3_600_000;
const EVERY_MS = 86_400_000;

interface RoundsOptions {
  /** Does one round; ends soon, with any outcome, when the signal aborts. What it throws otherwise is a bug. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  readonly firstMs?: number;
  readonly everyMs?: number;
}

/** Something that is done once a day, or as often as asked, while there is nothing better to do. */
export interface Rounds {
  /** Ends a round that is under way and lets none begin until `release`; each hold needs its own. Never throws. */
  hold(): Promise<void>;
  release(): void;
  /** Does one more round as soon as it may: at once, or when the one under way is done or the last hold is released. */
  soon(): void;
  /** Ends for good; resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** Counts time the process is up, which no clock can make jump. A round that was held up is made up for at once. */
export function openRounds({ round, firstMs = FIRST_MS, everyMs = EVERY_MS }: RoundsOptions): Rounds {
  let holds = 0;
  let isDue = false;
  let running: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;
  let timer = setTimeout(fall, firstMs).unref();

  function fall(): void {
    isDue = true;
    timer = setTimeout(fall, everyMs).unref();
    begin();
  }

  function begin(): void {
    if (!isDue || holds > 0 || running !== null) return;
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
    running?.stop.abort();
    await running?.ended;
  }

  return {
    hold,
    release() {
      holds--;
      begin();
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
