import { execFile } from "node:child_process";
import { basename } from "node:path";
import type { Channel, Outcome } from "./outcome.ts";

export interface ProgramOptions {
  /** All it gets besides the message: enough to find other programs, and no credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** For tests of a program that hangs. */
  readonly deadlineMs?: number;
}

/** A modem that sends a text takes some ten seconds; a program that has not ended by then hangs. */
const DEADLINE_MS = 60_000;
/** Codes that no repetition changes (sysexits(3)); 75 among them means "try again". */
const REFUSALS = { first: 64, last: 78, tryAgain: 75 };
/** Longer complaints are of no use in a line of the log. */
const MAX_COMPLAINT = 200;

/**
 * Hands each message to a program of the user, in `GHOSTROLL_MESSAGE`, `_LINK`, `_EVENT`, `_CARD`, `_TITLE` and `_ID`, which is the same
 * when it is handed over again. Exit code 0 is "sent", 64 to 78 without 75 "never", any other "later".
 */
export function programChannel(path: string, { environment, deadlineMs }: ProgramOptions): Channel {
  const name = basename(path);
  return async ({ key, event, card, title, message, link }, signal) => {
    const env = {
      ...environment,
      GHOSTROLL_ID: key,
      GHOSTROLL_EVENT: event,
      GHOSTROLL_CARD: card,
      GHOSTROLL_TITLE: title,
      GHOSTROLL_MESSAGE: message,
      ...(link !== null && { GHOSTROLL_LINK: link }),
    };
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const options = { env, signal, timeout: deadlineMs ?? DEADLINE_MS, killSignal: "SIGKILL" } as const;
    execFile(path, options, (error, _, said) => resolve(outcomeOf(name, error, said)));
    return promise;
  };
}

function outcomeOf(name: string, error: (Error & { code?: unknown }) | null, said: string): Outcome {
  if (error === null) return { kind: "sent", receipt: null };
  if (typeof error.code === "number") {
    const words = said.replace(/\s+/g, " ").trim().slice(0, MAX_COMPLAINT);
    const reason = `${name} ended with ${error.code}${words === "" ? "" : `: ${words.replace(/\.$/, "")}`}.`;
    const { first, last, tryAgain } = REFUSALS;
    if (error.code >= first && error.code <= last && error.code !== tryAgain)
      return { kind: "refused", reason };
    return { kind: "later", reason, waitMs: null };
  }
  if (error.code === "ENOENT" || error.code === "EACCES")
    return {
      kind: "later",
      reason: `${name} cannot be run (${error.code}). Check its path in GHOSTROLL_TEXT_TO, and that it is executable.`,
      waitMs: null,
    };
  return { kind: "unsure", reason: `${name} did not come to its end.` };
}
