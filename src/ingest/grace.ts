import { Failure } from "../domain/failure.ts";

/**
 * A photo of 50 MB comes from a slow card within this; a film that takes longer is read again from its beginning. Half of what
 * the whole process may take, so that what is finished can be written down.
 */
const GRACE_MS = 10_000;

/**
 * Two strengths of stopping: when `signal` aborts because somebody asked to stop, this one aborts only after a while, so that
 * what is under way may end; for any other reason at once. `close` ends the wait.
 */
export function openGrace(signal: AbortSignal): { readonly signal: AbortSignal; close(): void } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hear = () => {
    const mayEnd = signal.reason instanceof Failure && signal.reason.code === "interrupted";
    if (mayEnd) timer = setTimeout(() => late.abort(signal.reason), GRACE_MS);
    else late.abort(signal.reason);
  };
  if (signal.aborted) hear();
  else signal.addEventListener("abort", hear, { once: true });
  return {
    signal: late.signal,
    close() {
      clearTimeout(timer);
      signal.removeEventListener("abort", hear);
    },
  };
}
