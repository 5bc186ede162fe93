import { Failure } from "../domain/failure.ts";
import type { Child, Death } from "./child.ts";
import { startChild } from "./child.ts";
import type { Answer } from "./outcome.ts";
import { replyOf } from "./outcome.ts";

/** Runs one task, again and again. */
export interface Runs<Request, Reply> {
  /**
   * The task's reply, or its `Failure`. Throws `worker-late` when the run was late, `worker-died` when it ended its process
   * twice, `interrupted` when the workers are closed, and the signal's reason at once when it aborts, though the thread may go
   * on for a while.
   */
  run(request: Request, signal: AbortSignal): Promise<Reply>;
  /**
   * There will be a run soon: starts a process and loads the task, where nothing is running. Costs the caller nothing, never
   * fails, and is done without where it does; without a run the process ends as any other that is idle.
   */
  prepare(): void;
}

export interface Workers {
  /**
   * A task by the URL of its file: the default export is called with the request. Past its deadline, counted from the moment
   * it is handed to a thread, a run is ended together with its process; its neighbors are run again.
   */
  task<Request, Reply>(url: URL, deadlineMs: number | ((request: Request) => number)): Runs<Request, Reply>;
  /** The process that hosts the threads, `null` while there is none. */
  readonly pid: number | null;
  /** Whether there is no process at all, and nothing to do. */
  readonly isIdle: boolean;
  /** Ends everything in flight with `interrupted`; on return no process is left that can be ended. */
  close(): Promise<void>;
}

interface WorkersOptions {
  readonly threads: number;
  /** The whole environment of the process: nothing else is in it, least of all credentials. */
  readonly env: Readonly<Record<string, string>>;
  /** A fresh process after so many runs, against what native code leaks. */
  readonly recycleAfter?: number;
  /** How long a process without work is kept. */
  readonly idleMs?: number;
}

interface Run {
  readonly task: string;
  readonly request: unknown;
  /** Nothing runs beside it: another thread would load the same at the same time, and neither be ready sooner. */
  readonly isOnlyLoaded: boolean;
  readonly deadlineMs: number;
  /** How many processes ended by themselves under it. */
  deaths: number;
  isSettled: boolean;
  settle(conclude: () => unknown): void;
}

interface Host {
  readonly child: Child;
  readonly inFlight: Map<number, { readonly run: Run; readonly timer: NodeJS.Timeout }>;
  runs: number;
}

/** After two processes have died under a run, alone the second time, it is the run and not an accident. */
const MAX_DEATHS = 2;
/** To load a task takes half a second on a slow machine; one whose disk does not give it in this time would hold up its runs. */
const LOAD_MS = 30_000;
/** A minute without work: longer than the pause between two cards of one evening's stack. */
const IDLE_MS = 60_000;
/** A killed process is gone in milliseconds, or hangs in the kernel until its device answers. */
const CLOSE_MS = 5_000;
/** So many of the latter, and no further one is started: a device that is silent for a day would gather hundreds. */
const MAX_STUCK = 2;
/** The longest a timer can wait (2³¹ − 1 ms); a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Worker threads in a process of their own that can be killed. Nothing is started before the first run, or `prepare`. */
export function openWorkers({ threads, env, recycleAfter, idleMs = IDLE_MS }: WorkersOptions): Workers {
  const queue: Run[] = [];
  /** In flight when a process died by itself: each is run again with nothing beside it, to find the one that did it. */
  const suspects: Run[] = [];
  const hosts = new Set<Host>();
  const going = new Set<Promise<void>>();
  /** Were killed, and are not gone yet. */
  const stuck = new Set<Host>();
  let current: Host | null = null;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;
  let isClosed = false;

  const inFlight = () => [...hosts].flatMap((host) => [...host.inFlight.values()].map(({ run }) => run));

  function next(): void {
    clearTimeout(idle);
    for (;;) {
      const busy = inFlight();
      const isAlone = busy.some((run) => run.deaths > 0 || run.isOnlyLoaded);
      if (isAlone || busy.length >= threads || (suspects.length > 0 && busy.length > 0)) return;
      const run = suspects.shift() ?? queue.shift();
      if (run === undefined) break;
      if (!run.isSettled) start(run);
    }
    if (current !== null && current.inFlight.size === 0) idle = setTimeout(() => end(current), idleMs);
  }

  function start(run: Run): void {
    if (current === null && stuck.size >= MAX_STUCK) {
      run.settle(() => {
        throw new Failure("worker-late", "Workers that were ended still hang in the kernel.");
      });
      return;
    }
    current ??= open();
    const host = current;
    const id = ++lastId;
    const timer = setTimeout(() => expire(host, id), Math.min(run.deadlineMs, MAX_TIMER_MS));
    host.inFlight.set(id, { run, timer });
    host.runs++;
    if (host.runs === recycleAfter) current = null;
    try {
      host.child.post({ id, task: run.task, request: run.request, isOnlyLoaded: run.isOnlyLoaded });
    } catch (error) {
      // The request cannot be cloned.
      finish(host, id, () => {
        throw error;
      });
    }
  }

  function open(): Host {
    const host: Host = {
      inFlight: new Map(),
      runs: 0,
      child: startChild({
        threads,
        env,
        onAnswer: ({ id, outcome }: Answer) => {
          finish(host, id, () => replyOf(outcome));
          next();
        },
        onDeath: (death) => bury(host, death),
      }),
    };
    hosts.add(host);
    const gone = host.child.gone.finally(() => {
      going.delete(gone);
      stuck.delete(host);
    });
    going.add(gone);
    return host;
  }

  function finish(host: Host, id: number, conclude: () => unknown): void {
    const entry = host.inFlight.get(id);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    host.inFlight.delete(id);
    entry.run.settle(conclude);
    if (host !== current && host.inFlight.size === 0) end(host);
  }

  /** A run is late: only the death of the process stops native code. */
  function expire(host: Host, late: number): void {
    const entries = [...host.inFlight];
    end(host);
    for (const [id, { run }] of entries.reverse()) if (id !== late && !run.isSettled) queue.unshift(run);
    const run = entries.find(([id]) => id === late)?.[1].run;
    const seconds = Math.round((run?.deadlineMs ?? 0) / 100) / 10;
    run?.settle(() => {
      throw new Failure("worker-late", `A worker gave no answer within ${seconds} s and was ended.`);
    });
    next();
  }

  /** A process died by itself: a crash in native code, or the kernel was out of memory. */
  function bury(host: Host, { reason, stderr }: Death): void {
    const runs = [...host.inFlight.values()].map(({ run }) => run).filter((run) => !run.isSettled);
    end(host);
    for (const run of runs) {
      run.deaths++;
      if (run.deaths < MAX_DEATHS) suspects.push(run);
      else
        run.settle(() => {
          const cause = new Error(stderr.trim() || "It wrote nothing to stderr.");
          throw new Failure("worker-died", `A worker process ended by itself, twice (${reason}).`, { cause });
        });
    }
    next();
  }

  function end(host: Host | null): void {
    if (host === null) return;
    if (host === current) current = null;
    hosts.delete(host);
    for (const { timer } of host.inFlight.values()) clearTimeout(timer);
    host.inFlight.clear();
    host.child.kill();
    stuck.add(host);
  }

  async function enqueue<Reply>(
    what: Pick<Run, "task" | "request" | "isOnlyLoaded" | "deadlineMs">,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const abort = () =>
      run.settle(() => {
        throw signal.reason;
      });
    const run: Run = {
      ...what,
      deaths: 0,
      isSettled: false,
      settle(conclude) {
        if (run.isSettled) return;
        run.isSettled = true;
        signal.removeEventListener("abort", abort);
        try {
          resolve(conclude() as Reply);
        } catch (error) {
          reject(error as Error);
        }
      },
    };
    if (isClosed) run.settle(interrupt);
    else if (signal.aborted) abort();
    else {
      signal.addEventListener("abort", abort, { once: true });
      queue.push(run);
      next();
    }
    return promise;
  }

  return {
    get pid() {
      return current?.child.pid ?? null;
    },
    get isIdle() {
      return going.size === 0 && queue.length === 0 && suspects.length === 0;
    },
    task: <Request, Reply>(url: URL, deadlineMs: number | ((request: Request) => number)) => ({
      run(request: Request, signal: AbortSignal) {
        const ms = typeof deadlineMs === "function" ? deadlineMs(request) : deadlineMs;
        return enqueue<Reply>({ task: url.href, request, isOnlyLoaded: false, deadlineMs: ms }, signal);
      },
      prepare() {
        if (isClosed || queue.length + suspects.length + inFlight().length > 0) return;
        const loading = { task: url.href, request: null, isOnlyLoaded: true, deadlineMs: LOAD_MS };
        // What is wrong with the task is told to whoever runs it.
        enqueue(loading, new AbortController().signal).catch(() => {});
      },
    }),
    async close() {
      isClosed = true;
      clearTimeout(idle);
      for (const run of [...queue.splice(0), ...suspects.splice(0), ...inFlight()]) run.settle(interrupt);
      for (const host of hosts) end(host);
      const { promise: isLate, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, CLOSE_MS);
      await Promise.race([Promise.all(going), isLate]);
      clearTimeout(timer);
    },
  };
}

function interrupt(): never {
  throw new Failure("interrupted", "The workers were closed before this was done.");
}
