import { environment } from "../config/environment.ts";
import type { Settings } from "../config/slices.ts";
import { textSecrets } from "../config/texts.ts";
import { Failure } from "../domain/failure.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import type { Logger } from "./log.ts";
import { isJournal, openLog } from "./log.ts";
import { openSupervisor } from "./notify-systemd.ts";
import { onReload } from "./shutdown.ts";
import { keepWatch } from "./watch.ts";

/**
 * `ghostroll watch`: the daemon. Ends when it is asked to; returns the exit code. SIGHUP has it read its settings again: it
 * stops in order and goes on with them where it was, in the same process. Settings that are wrong, or cannot be worked with,
 * are named, and the old ones stay.
 */
export async function daemon(
  command: Extract<Command, { name: "watch" }>,
  context: Context,
): Promise<number> {
  let settings = context.settings(command.settings);
  let log = logFor(settings);
  /** Those that worked, until it is known that the new ones do. */
  let before: Settings | null = null;
  let next: Settings | null = null;
  let again = new AbortController();
  const supervisor = openSupervisor(environment(), (error) => log.warn({ error }, "systemd was not told"));
  context.signal.addEventListener("abort", supervisor.stopping, { once: true });
  const letGo = onReload(() => {
    try {
      next = context.settings(command.settings);
    } catch (error) {
      return refuse(error);
    }
    log.info("the settings were read again");
    again.abort(new Failure("interrupted", "The settings were read again."));
  });
  const use = (chosen: Settings) => {
    settings = chosen;
    log = logFor(chosen);
  };
  const refuse = (error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    log.error(
      { code: error.code, hint: error.policy.hint },
      `${error.message} The settings stay as they were.`,
    );
  };

  try {
    for (;;) {
      again = new AbortController();
      const signal = AbortSignal.any([context.signal, again.signal]);
      try {
        await keepWatch(settings, { ...context, signal }, log, supervisor, () => {
          before = null;
        });
      } catch (error) {
        const working: Settings | null = before;
        if (working === null) throw error;
        refuse(error);
        before = null;
        use(working);
        continue;
      }
      if (context.signal.aborted || next === null) break;
      before = settings;
      use(next);
      next = null;
    }
    log.info("stopped");
    return 0;
  } finally {
    letGo();
  }
}

function logFor({ log, store, notify }: Settings): Logger {
  const { accessKeyId, secretAccessKey, sessionToken } = store.credentials ?? {};
  const secrets = [
    accessKeyId ?? null,
    secretAccessKey ?? null,
    sessionToken ?? null,
    store.linkCredentials?.secretAccessKey ?? null,
    ...textSecrets(notify.texts),
  ];
  return openLog({ level: log.level, secrets, isJournal: isJournal(environment()) });
}
