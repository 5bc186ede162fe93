/** Wakes a consumer that ran out of work. A ring while nobody waits is kept for the next one who does. */
export interface Doorbell {
  ring(): void;
  /** Resolves at the next ring; rejects with the signal's reason when it aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

export function doorbell(): Doorbell {
  let isRung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      isRung = true;
      wake?.();
    },
    async wait(signal) {
      signal.throwIfAborted();
      if (!isRung) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const abort = () => reject(signal.reason as Error);
        signal.addEventListener("abort", abort, { once: true });
        wake = resolve;
        try {
          await promise;
        } finally {
          wake = null;
          signal.removeEventListener("abort", abort);
        }
      }
      isRung = false;
    },
  };
}
