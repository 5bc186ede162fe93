import type { Failure } from "../domain/failure.ts";
import { linkEndInWords, linkState } from "../domain/link-end.ts";
import { signAgain } from "../ingest/sign-again.ts";
import { takeDown } from "../ingest/take-down.ts";
import { isSet } from "../remote/link-life.ts";
import type { House } from "./house.ts";
import type { Logger } from "./log.ts";
import type { Retry } from "./retry.ts";
import { openRounds } from "./rounds.ts";

/** Somebody at a terminal waits for what they asked the daemon for through the catalog. */
const LOOK_MS = 2000;
/** The network of a box that has just started may take a moment. */
const FIRST_MS = 5000;
/** A new day, new keys or another way of sharing is noticed within this time; looking costs two signatures a gallery. */
const SIGN_MS = 300_000;

/** Somebody who has links end within two days does not want to hear of each. */
const SHORT_LIFE_S = 172_800;

export interface LinkKeeper {
  /** Ends signing and lets none begin until `release`; what is revoked is taken down all the same. */
  hold(): Promise<void>;
  release(): void;
  close(): Promise<void>;
}

/**
 * Keeps the links of a library as they should be while the daemon runs: renews them, and takes down what is revoked, also
 * by a command in another process, and warns a day before a link ends. `deliveries` hears when that wants something delivered.
 */
export function openLinkKeeper(
  { ports, options, catalog, announcer }: House,
  settle: (work: () => Promise<Failure | null>) => Promise<Failure | null>,
  deliveries: Retry,
  linkSeconds: number,
  log: Logger,
  signal: AbortSignal,
): LinkKeeper {
  const signing = openRounds({
    async round(stopped) {
      await settle(async () => {
        warn();
        const ends = AbortSignal.any([stopped, signal]);
        const { signed, failure } = await signAgain(options.title, ports, ends);
        if (signed.length > 0) log.info({ sessions: signed }, "links renewed");
        return failure;
      });
    },
    firstMs: FIRST_MS,
    everyMs: SIGN_MS,
  });
  /** Once for each end of a link: where nobody can be told, the log says it. */
  function warn(): void {
    const nowMs = Date.now();
    // A clock that was never set would say so of none, and one that is set later of all at once.
    if (!isSet(nowMs) || linkSeconds < SHORT_LIFE_S) return;
    for (const { session, linkEndsMs } of catalog.published()) {
      if (
        linkEndsMs === null ||
        linkState(linkEndsMs, nowMs) === "opens" ||
        !catalog.warned(session.id, linkEndsMs)
      )
        continue;
      const sentence = linkEndInWords(session.name, linkEndsMs, nowMs);
      log.warn({ session: session.name }, sentence);
      announcer.linkEnds(session, sentence);
    }
  }
  const clear = async () => {
    await settle(async () => {
      const { gone, failure } = await takeDown(ports, signal);
      if (gone.length > 0) log.info({ sessions: gone }, "revoked galleries taken down");
      return failure;
    });
  };
  const looking = openRounds({
    async round() {
      if (!catalog.wasWrittenElsewhere()) return;
      await clear();
      signing.soon();
      await deliveries.hold();
      deliveries.release("at once");
    },
    firstMs: LOOK_MS,
    everyMs: LOOK_MS,
  });
  // What could not be taken down for want of a network.
  const clearing = openRounds({ round: clear, firstMs: SIGN_MS, everyMs: SIGN_MS });
  // At the start `deliveries` takes down what is left.
  return {
    hold: signing.hold,
    release: signing.release,
    async close() {
      await Promise.all([looking.close(), clearing.close(), signing.close()]);
    },
  };
}
