import type { Failure } from "../domain/failure.ts";
import { signAgain } from "../ingest/sign-again.ts";
import { takeDown } from "../ingest/take-down.ts";
import type { House } from "./house.ts";
import type { Logger } from "./log.ts";
import type { Retry } from "./retry.ts";
import { openRetry } from "./retry.ts";
import { openRounds } from "./rounds.ts";

/** Somebody at a terminal waits for what they asked the daemon for through the catalog. */
const LOOK_MS = 2000;
/** A new day, new keys or another way of sharing is noticed within this time; looking costs two signatures a gallery. */
const SIGN_MS = 300_000;

export interface LinkKeeper {
  /** Ends signing and lets none begin until `release`; what is revoked is taken down all the same. */
  hold(): Promise<void>;
  release(): void;
  close(): Promise<void>;
}

/**
 * Keeps the links of a library as they should be while the daemon runs: signs them anew, and takes down what is revoked, also
 * by a command in another process. `deliveries` hears when that wants something delivered.
 */
export function openLinkKeeper(
  { ports, options, catalog }: House,
  settle: (work: () => Promise<Failure | null>) => Promise<Failure | null>,
  deliveries: Retry,
  log: Logger,
  signal: AbortSignal,
): LinkKeeper {
  const signing = openRetry({
    async attempt(stopped) {
      const failure = await settle(async () => {
        const sessions = await signAgain(options.title, ports, AbortSignal.any([stopped, signal]));
        if (sessions.length > 0) log.info({ sessions }, "links signed anew");
        return null;
      });
      return failure?.policy.retry === true ? "later" : "never";
    },
  });
  const clear = async () => {
    await settle(async () => {
      const sessions = await takeDown(ports, signal);
      if (sessions.length > 0) log.info({ sessions }, "revoked galleries taken down");
      return null;
    });
  };
  const looking = openRounds({
    async round() {
      if (!catalog.wasWrittenElsewhere()) return;
      await clear();
      await kick(signing);
      await kick(deliveries);
    },
    firstMs: LOOK_MS,
    everyMs: LOOK_MS,
  });
  const ticking = openRounds({
    async round() {
      await clear();
      await kick(signing);
    },
    firstMs: SIGN_MS,
    everyMs: SIGN_MS,
  });
  // At the start `deliveries` takes down what is left.
  return {
    hold: signing.hold,
    release: () => signing.release("at once"),
    async close() {
      await Promise.all([looking.close(), ticking.close(), signing.close()]);
    },
  };
}

/** Begins anew; while it is held by somebody else, when that one releases it. */
async function kick(retry: Retry): Promise<void> {
  await retry.hold();
  retry.release("at once");
}
