import { Failure } from "../domain/failure.ts";

/** How long the rest may take after the first signal, before the process ends as it is; everything survives that. */
const LAST_WORDS_MS = 20_000;

export interface Shutdown {
  /** Aborts at the first SIGINT or SIGTERM, with an `interrupted` failure. */
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever comes next. */
  release(): void;
}

/** Turns signals into an abort: the first ends the work in order, the second, or twenty seconds, ends the process. */
export function onSignals(end: (exitCode: number) => void): Shutdown {
  const stop = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  const hear = () => {
    if (stop.signal.aborted) return end(130);
    stop.abort(new Failure("interrupted", "Stopped."));
    deadline = setTimeout(() => end(130), LAST_WORDS_MS).unref();
  };
  process.on("SIGINT", hear);
  process.on("SIGTERM", hear);
  return {
    signal: stop.signal,
    release() {
      clearTimeout(deadline);
      process.off("SIGINT", hear);
      process.off("SIGTERM", hear);
    },
  };
}

/** Hears SIGHUP, the customary word for "read your settings again"; returns what gives the signal back. */
export function onReload(hear: () => void): () => void {
  process.on("SIGHUP", hear);
  return () => process.off("SIGHUP", hear);
}
