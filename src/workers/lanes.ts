import type { Runs, Workers } from "./pool.ts";
import { openWorkers } from "./pool.ts";

/** A card is done or it is not; the next one has a lane of its own, and a process costs 100 MB. */
const IDLE_MS = 10_000;

interface LanesOptions {
  /** Threads of each lane. */
  readonly threads: number;
  readonly env: Readonly<Record<string, string>>;
  /** A run that should have ended has not, and, later, whether it or another one of its lane has brought something again. */
  readonly onSilence?: (lane: string, isSilent: boolean) => void;
}

interface LaneOptions<Request> {
  /** Which lane a request belongs to. */
  readonly lane: (request: Request) => string;
  readonly deadlineMs: number | ((request: Request) => number);
  /** How long it takes at most when all is well; unlimited unless given. */
  readonly usualMs?: (request: Request) => number;
}

export interface Lanes {
  /**
   * As `Workers.task`, but runs of two lanes never share a process or wait for each other. `prepare` readies a spare process,
   * which the next new lane takes over.
   */
  task<Request, Reply>(url: URL, options: LaneOptions<Request>): Runs<Request, Reply>;
  close(): Promise<void>;
}

/**
 * Workers for each card of their own: one that hangs, dies or has to be ended harms nobody else. A lane has no process before
 * its first run, unless one was prepared, and none when it was idle.
 */
export function openLanes({ threads, env, onSilence = () => {} }: LanesOptions): Lanes {
  const lanes = new Map<string, Workers>();
  const silent = new Set<string>();
  /** For the next lane. */
  let spare: Workers | null = null;
  let isClosed = false;

  const open = () => openWorkers({ threads, env, idleMs: IDLE_MS });

  function workersOf(lane: string): Workers {
    let workers = lanes.get(lane);
    if (workers !== undefined) return workers;
    // Every insertion is a lane of its own: those of cards that are gone are forgotten.
    for (const [name, other] of lanes)
      if (other.isIdle) {
        lanes.delete(name);
        silent.delete(name);
      }
    workers = spare ?? open();
    spare = null;
    lanes.set(lane, workers);
    return workers;
  }

  return {
    task: <Request, Reply>(
      url: URL,
      { lane: laneOf, deadlineMs, usualMs }: LaneOptions<Request>,
    ): Runs<Request, Reply> => ({
      async run(request, signal) {
        const lane = laneOf(request);
        const timer = usualMs === undefined ? undefined : setTimeout(fallSilent, usualMs(request));
        try {
          const reply = await workersOf(lane).task<Request, Reply>(url, deadlineMs).run(request, signal);
          if (silent.delete(lane)) onSilence(lane, false);
          return reply;
        } finally {
          clearTimeout(timer);
        }

        function fallSilent(): void {
          if (silent.has(lane)) return;
          silent.add(lane);
          onSilence(lane, true);
        }
      },
      prepare() {
        if (isClosed) return;
        spare ??= open();
        spare.task(url, Number.POSITIVE_INFINITY).prepare();
      },
    }),
    async close() {
      isClosed = true;
      const all = [...lanes.values(), ...(spare === null ? [] : [spare])];
      await Promise.all(all.map(async (workers) => workers.close()));
    },
  };
}
