import { count, number } from "./amounts.ts";
import type { FailureCode } from "./failure.ts";
import { FAILURES } from "./failure.ts";
import type { PastSession, Tally, Trouble } from "./session.ts";

/** How far a session has come. Every session is in exactly one of these. */
export type SessionEnd =
  | "complete"
  | "complete-with-failures"
  | "being-read"
  | "being-delivered"
  | "waiting-for-card"
  | "waiting-for-space"
  | "waiting-for-network"
  | "waiting-for-second-disk"
  | "revoked";

export interface SessionFacts {
  readonly session: Pick<
    PastSession,
    "isOffloaded" | "isPublished" | "waitsFor" | "isRevoked" | "isStanding"
  >;
  readonly tally: Tally;
  readonly troubles: readonly Trouble[];
  /** Originals of it without a proved copy on the second disk; 0 when there is to be none. */
  readonly uncopied: number;
  /** Whether a GhostRoll is at work on the library now; then what nothing has stopped is going on. */
  readonly isAtWork?: boolean;
}

/** How far a session has come, from what is durably true of it: the card first, then the guests, then the second disk. */
export function endOf({ session, tally, troubles, uncopied, isAtWork = false }: SessionFacts): SessionEnd {
  const isGoingOn = isAtWork && session.waitsFor === null;
  if (!session.isOffloaded) {
    if (isGoingOn) return "being-read";
    return session.waitsFor === "disk-full" ? "waiting-for-space" : "waiting-for-card";
  }
  if (tally.kept > 0 && !session.isPublished && !session.isRevoked)
    return isGoingOn ? "being-delivered" : "waiting-for-network";
  if (uncopied > 0) return "waiting-for-second-disk";
  if (session.isRevoked) return "revoked";
  return tally.failed > 0 || troubles.length > 0 ? "complete-with-failures" : "complete";
}

/** The same as a sentence for people, with what to do. */
export function endInWords(facts: SessionFacts): string {
  const { session, tally, troubles, uncopied } = facts;
  const waits = session.waitsFor;
  switch (endOf(facts)) {
    case "complete":
      return tally.kept === 0
        ? `Complete: ${count(tally.duplicates, "file")} known before.`
        : `Complete: ${keptInWords(tally)}.`;
    case "complete-with-failures":
      return tally.failed > 0
        ? `Complete but for ${count(tally.failed, "file")}: ${number(tally.kept + tally.duplicates)} of ${number(tally.found)} kept; ${tally.failed} unreadable: ${namesOf(troubles)}.`
        : `Complete: ${keptInWords(tally)}; with problems: ${namesOf(troubles)}.`;
    case "being-read":
      return `The card is being read: ${unread(tally)}`;
    case "being-delivered":
      return `On its way to the gallery: ${number(tally.published)} of ${count(tally.kept, "kept file")} so far.`;
    case "waiting-for-card":
      if (waits === "card-unresponsive")
        return `The card does not respond: ${unread(tally)} ${FAILURES["card-unresponsive"].hint}`;
      return `Waiting for the card: ${unread(tally)} Insert it again: it goes on where it was.`;
    case "waiting-for-space":
      return `Waiting for space: ${unread(tally)} ${FAILURES["disk-full"].hint}`;
    case "waiting-for-network":
      return `Waiting${NETWORK.includes(waits) ? " for the network" : ""}: ${number(tally.kept - tally.published)} of ${count(tally.kept, "kept file")} not in a complete gallery yet.${fixOf(waits)}`;
    case "waiting-for-second-disk":
      return `Waiting for the second disk: ${number(uncopied)} of ${count(tally.kept, "kept file")} not copied there yet.`;
    case "revoked":
      return `${session.isStanding ? "Revoked, but not gone yet: its gallery may still open" : "Revoked: nobody can open its gallery"}; ${keptInWords(tally)}.`;
  }
}

/** Short enough for a column of a table. */
export const ENDS_IN_SHORT = {
  complete: "complete",
  "complete-with-failures": "complete",
  "being-read": "being read",
  "being-delivered": "on its way to the gallery",
  "waiting-for-card": "waiting for the card",
  "waiting-for-space": "waiting for space",
  "waiting-for-network": "waiting for the network",
  "waiting-for-second-disk": "waiting for the second disk",
  revoked: "revoked",
} as const satisfies Record<SessionEnd, string>;

/** What stopped a session when nothing but the network did, as far as is known. */
const NETWORK: readonly (FailureCode | null)[] = [null, "interrupted", "remote-unreachable"];

/** Names said aloud before the rest is only counted. */
const NAMED_AT_MOST = 5;

function namesOf(troubles: readonly Trouble[]): string {
  const named = troubles
    .slice(0, NAMED_AT_MOST)
    .map(({ name }) => name)
    .join(", ");
  return troubles.length > NAMED_AT_MOST ? `${named} and ${troubles.length - NAMED_AT_MOST} more` : named;
}

function keptInWords({ kept, duplicates }: Tally): string {
  return `${count(kept, "file")} kept${duplicates > 0 ? `, ${count(duplicates, "duplicate")} known` : ""}`;
}

function unread({ found, kept, duplicates, failed }: Tally): string {
  const left = found - kept - duplicates - failed;
  return left === 0
    ? "its listing is not checked yet."
    : `${number(left)} of ${count(found, "file")} not read yet.`;
}

/** What a person can do about it, when it was more than a pause. */
function fixOf(code: FailureCode | null): string {
  return code === null || code === "interrupted" ? "" : ` ${FAILURES[code].hint}`;
}
