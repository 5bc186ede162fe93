import { homedir } from "node:os";
import packageFile from "../package.json" with { type: "json" };
import { parseCommand } from "./app/cli.ts";
import type { Context } from "./app/context.ts";
import { say } from "./app/context.ts";
import { onSignals } from "./app/shutdown.ts";
import { calledFrom, environment, wantsColor } from "./config/environment.ts";
import { loadSettings } from "./config/load.ts";
import type { Settings } from "./config/slices.ts";
import { Failure } from "./domain/failure.ts";

/** A bug: not something a person did. */
const BUG = 70;

async function run(argv: readonly string[], context: Context): Promise<number> {
  const command = parseCommand(argv);
  // Each command is loaded when it is asked for: `--help` needs no decoder, `status` no network.
  switch (command.name) {
    case "help":
      say(context.out, command.text);
      return 0;
    case "version":
      say(context.out, `ghostroll ${packageFile.version}`);
      return 0;
    case "ingest":
      return (await import("./app/ingest.ts")).ingest(command, context);
    case "demo":
      return (await import("./app/demo.ts")).demo(command, context);
    case "watch":
      return (await import("./app/daemon.ts")).daemon(command, context);
    case "install":
    case "uninstall":
      return (await import("./app/install.ts"))[command.name](command, context);
    case "verify":
      return (await import("./app/verify.ts")).verify(command, context);
    case "retry":
      return (await import("./app/try-again.ts")).tryAgain(command, context);
    case "link":
      return (await import("./app/share.ts")).link(command, context);
    case "share":
      return (await import("./app/share.ts")).share(command, context);
    case "revoke":
      return (await import("./app/revoke.ts")).revoke(command, context);
    case "rebuild":
      return (await import("./app/rebuild.ts")).rebuild(command, context);
    case "backup":
      return (await import("./app/backup.ts")).backup(command, context);
    case "doctor":
      return (await import("./app/doctor.ts")).doctor(command, context);
    case "status":
    case "sessions":
    case "config":
      return (await import("./app/look.ts")).look(command, context);
  }
}

function explain(error: unknown): number {
  if (!(error instanceof Failure)) {
    process.stderr.write(
      `ghostroll: this is a bug, please report it.\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return BUG;
  }
  if (error.code === "interrupted") process.stderr.write(`${error.message} ${error.policy.hint}\n`);
  else
    process.stderr.write(
      `ghostroll: ${error.message}${error.message.includes("\n") ? "\n" : " "}${error.policy.hint}\n`,
    );
  return error.policy.exit;
}

const variables = environment();
/** Said once, however often settings are read. */
const warned = new Set<string>();
const shutdown = onSignals((exitCode) => process.exit(exitCode));
const context: Context = {
  out: process.stdout,
  err: process.stderr,
  cwd: calledFrom(),
  signal: shutdown.signal,
  useColor: process.stdout.isTTY && wantsColor(variables),
  settings: (overrides) => load(overrides, false),
  ownSettings: (overrides) => load(overrides, true),
};

function load(flags: Readonly<Record<string, string>>, isFlagsOnly: boolean): Settings {
  const settings = loadSettings({
    flags,
    environment: variables,
    cwd: process.cwd(),
    homeDir: homedir(),
    isFlagsOnly,
  });
  for (const warning of settings.warnings) {
    if (!warned.has(warning)) say(process.stderr, `Note: ${warning}`);
    warned.add(warning);
  }
  return settings;
}

// `ghostroll sessions | head` closes the pipe early; that is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.on("unhandledRejection", (error) => process.exit(explain(error)));

process.exitCode = await run(process.argv.slice(2), context).catch(explain);
shutdown.release();
