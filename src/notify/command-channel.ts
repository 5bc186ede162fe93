import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Event } from "./message.ts";
import { messageOf } from "./message.ts";

/** A command that has not ended by then hangs; a modem that sends a text takes some ten seconds. */
const DEADLINE_MS = 60_000;

export interface CommandChannel {
  /** Resolves when the command has ended well; rejects with its exit code and what it wrote. */
  tell(event: Event): Promise<void>;
}

/**
 * Runs a shell command for each event: to light an LED, sound a buzzer, or send a text through whatever is at hand. It gets
 * `GHOSTROLL_EVENT`, `GHOSTROLL_CARD`, `GHOSTROLL_MESSAGE` and, when there is one, `GHOSTROLL_LINK`, besides `environment`,
 * which must hold no credentials. Commands run one after the other, in the order of the events.
 */
export function openCommandChannel(
  command: string,
  environment: Readonly<Record<string, string>>,
): CommandChannel {
  const run = promisify(execFile);
  let last: Promise<unknown> = Promise.resolve();
  return {
    tell(event) {
      const env = {
        ...environment,
        GHOSTROLL_EVENT: event.name,
        GHOSTROLL_CARD: event.card,
        GHOSTROLL_MESSAGE: messageOf(event),
        ...("link" in event ? { GHOSTROLL_LINK: event.link } : {}),
      };
      const told = last.then(() => run("/bin/sh", ["-c", command], { env, timeout: DEADLINE_MS }));
      last = told.catch(() => undefined);
      return told.then(() => undefined);
    },
  };
}
