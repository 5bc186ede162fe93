import { inspect } from "node:util";
import type { Volume } from "../domain/card.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import { SLUGS_IN_TEXT } from "../domain/layout.ts";
import type { House } from "./house.ts";
import type { Logger } from "./log.ts";

/** What concerns no card. */
const REST = {};

/**
 * Logs what stopped the work of one card, or what is left of all, and returns it; a bug ends the process, and systemd starts it
 * again. What is tried again by itself and fails for the same reason is said once.
 */
export function settler({ announcer, catalog }: Pick<House, "announcer" | "catalog">, log: Logger) {
  /** By insertion, so that a card that comes back with its trouble is told of again. */
  const lastCodes = new WeakMap<object, FailureCode>();
  return async (volume: Volume | null, work: () => Promise<Failure | null>): Promise<Failure | null> => {
    const what = volume ?? REST;
    try {
      const failure = await work();
      if (failure !== null) throw failure;
      lastCodes.delete(what);
      return null;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === "interrupted") return error;
      const { code, policy, message } = error;
      const isKnown = code === lastCodes.get(what);
      lastCodes.set(what, code);
      const cause = inspect(error.cause);
      // The log hides the name of a gallery, so it says whose that is. Keys are in the cause, sentences have none.
      const slug = `${message} ${cause}`.match(SLUGS_IN_TEXT)?.[0];
      const session = slug && catalog.allSessions().find((one) => one.slug === slug)?.name;
      const facts = { card: volume?.label, session, code, hint: policy.hint, cause };
      log[isKnown ? "debug" : "error"](facts, message);
      if (volume !== null && !isKnown) announcer.trouble(volume.label, error);
      return error;
    }
  };
}
