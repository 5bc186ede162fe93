import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import { isRevocation } from "./refuse-revoked.ts";

/** What is wrong with the store, or with our keys and clock for it: no other gallery would have better luck. */
const OF_THE_STORE: ReadonlySet<FailureCode> = new Set([
  "remote-unreachable",
  "remote-refused",
  "remote-no-bucket",
  "remote-full",
  "clock-unset",
]);

/** Whether it concerns all that is to be put; any other failure is of one gallery, and says nothing of the next. */
export function isOfTheStore({ code }: Failure): boolean {
  return OF_THE_STORE.has(code);
}

/** Of two failures the one that decides when to try again: the store's, else one that may pass, else the first. */
export function graver(first: Failure | null, second: Failure | null): Failure | null {
  if (first === null || second === null) return first ?? second;
  const isGraver = isOfTheStore(second) || (second.policy.retry && !first.policy.retry);
  return isGraver && !isOfTheStore(first) ? second : first;
}

/**
 * Does something with one gallery after the other. One that fails keeps no other from its turn, unless it is the store that
 * fails; one that is revoked meanwhile is done with. Returns the gravest failure of those that stop a session, throws any other.
 */
export async function inTurn<Item>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<void>,
): Promise<Failure | null> {
  let gravest: Failure | null = null;
  for (const item of items)
    try {
      await act(item);
    } catch (error) {
      if (!Failure.is(error, "session")) throw error;
      if (isRevocation(error)) continue;
      gravest = graver(gravest, error);
      if (isOfTheStore(error)) break;
    }
  return gravest;
}
