import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { doorbell } from "../flow/doorbell.ts";
import { identifyVolume } from "./identify-volume.ts";
import type { CardEvent } from "./watcher.ts";

interface DropOptions {
  /** Absolute path; one that is missing may come later. */
  readonly folder: string;
  /** So long after the last file a burst is over. */
  readonly quietMs: number;
  readonly signal: AbortSignal;
  /** Hears of what cannot be watched. */
  readonly onTrouble: (error: unknown) => void;
}

/** A camera's Wi-Fi stalls for a second at times; a file that has not grown for three is complete. */
const SETTLED_MS = 3_000;
/** How often chokidar looks whether one has grown. */
const LOOK_MS = 500;
/** Somewhat less than `SETTLED_MS`, so that what chokidar calls complete is. */
const AGE_MS = 2_000;
/** A shoot that never pauses still shows its pictures while it goes on. */
const LONGEST_MS = 300_000;
/** A clock that was set back makes a complete file look young: what was passed over is looked at once more. */
const LAST_LOOK_MS = 60_000;

/**
 * Files that come into a folder of this machine, from a camera's FTP, a tethering program or a phone: tells the end of each
 * burst, as the insertion of a volume of which only what has settled counts. What is there at the start is a burst, too.
 */
export async function* watchDropFolder(options: DropOptions): AsyncGenerator<CardEvent> {
  const { folder, quietMs, signal, onTrouble } = options;
  const bell = doorbell();
  let burst: { readonly firstMs: number; lastMs: number; isNews: boolean } | null = null;
  let look: NodeJS.Timeout | undefined;
  const come = (isNews: boolean) => {
    const nowMs = performance.now();
    burst = { firstMs: burst?.firstMs ?? nowMs, lastMs: nowMs, isNews: isNews || burst?.isNews === true };
    bell.ring();
  };
  // Most machines have no such folder.
  const { watch } = await import("chokidar");
  const watcher = watch(folder, {
    awaitWriteFinish: { stabilityThreshold: SETTLED_MS, pollInterval: LOOK_MS },
    followSymlinks: false,
  });
  const hear = () => come(true);
  watcher.on("add", hear).on("change", hear).on("error", onTrouble);
  try {
    for (;;) {
      const { isNews } = await burstOver();
      clearTimeout(look);
      if (isNews) look = setTimeout(() => come(false), LAST_LOOK_MS);
      const volume = await settled();
      if (volume !== null) yield { kind: "inserted", volume, reader: folder, isWritable: false };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(look);
    await watcher.close();
  }

  /** Waits for a burst, and for its end. */
  async function burstOver(): Promise<{ readonly isNews: boolean }> {
    for (;;) {
      const now = burst;
      const overMs =
        now === null ? Number.POSITIVE_INFINITY : Math.min(now.lastMs + quietMs, now.firstMs + LONGEST_MS);
      const waitMs = overMs - performance.now();
      if (now !== null && waitMs <= 0) {
        burst = null;
        return now;
      }
      const timer = now === null ? undefined : setTimeout(bell.ring, waitMs);
      await bell.wait(signal).finally(() => clearTimeout(timer));
    }
  }

  /** The folder as a volume, or `null` when it is gone. */
  async function settled(): Promise<Volume | null> {
    try {
      return { ...(await identifyVolume(folder)), onlyBeforeMs: Date.now() - AGE_MS };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      onTrouble(error);
      return null;
    }
  }
}
