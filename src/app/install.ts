import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../domain/failure.ts";
import { writeDurably } from "../flow/durable.ts";
import { assertServable, assertSystem } from "./can-install.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { runProgram } from "./run-program.ts";
import type { SystemFile } from "./system-files.ts";
import {
  CACHE_DIR,
  EXPECTED_PROGRAM,
  LIBRARY_DIR,
  RUNTIME_DIRS,
  RUNTIME_NOTES,
  SERVICE_UNIT,
  SETTINGS_FILE,
  SYSTEM_FILES,
} from "./system-files.ts";

type Install = Extract<Command, { name: "install" | "uninstall" }>;

const PROGRAM = join(import.meta.dirname, "../..");

/** Does, tells or only tells what is to be done, one line each. */
interface Hand {
  make(folder: string, mode: number): Promise<void>;
  write(file: SystemFile): Promise<void>;
  remove(path: string): Promise<void>;
  /** `isNeeded` false: what it is for also happens at the next start of the machine. */
  run(words: string, isNeeded?: boolean): Promise<void>;
  keep(what: string, reason: string): void;
  /** Whether it is there. */
  has(path: string): boolean;
  /** Whether it is a folder with nothing in it. */
  isEmpty(folder: string): boolean;
}

/**
 * `ghostroll install`: makes this checkout a service of the machine; run again, it brings everything up to date. Never touches
 * settings or a library that are there. Throws `usage`, `install-failed`.
 */
export async function install(command: Install, context: Context): Promise<number> {
  const hand = handFor(command, context);
  if (command.root === null) await assertServable(PROGRAM);
  for (const file of SYSTEM_FILES) await hand.write(file);
  if (hand.has(SETTINGS_FILE.target)) hand.keep(SETTINGS_FILE.target, "your settings");
  else await hand.write(SETTINGS_FILE);
  await hand.run("systemd-sysusers /etc/sysusers.d/ghostroll.conf");
  await hand.make(LIBRARY_DIR, 0o750);
  await hand.run("systemd-tmpfiles --create /etc/tmpfiles.d/ghostroll.conf");
  await hand.run("systemctl daemon-reload");
  await hand.run("udevadm control --reload", false);
  await hand.run("systemctl enable ghostroll.service");
  // Of an older version another path may be watched; and the program has changed where its unit has not.
  await hand.run("systemctl restart ghostroll-release.path ghostroll.service");
  // Cards that are in already.
  await hand.run("udevadm trigger --action=change --subsystem-match=block", false);
  if (!command.isDryRun && command.root === null)
    say(
      context.out,
      "",
      `Plug in a card. What happens:  journalctl -fu ghostroll -o cat | sed -u 's/.*"msg":"//; s/"}$//'`,
      `Settings: ${SETTINGS_FILE.target}`,
    );
  return 0;
}

/** `ghostroll uninstall`: takes away what `install` made, except what is the user's. Throws `usage`, `install-failed`. */
export async function uninstall(command: Install, context: Context): Promise<number> {
  const hand = handFor(command, context);
  if (hand.has(SERVICE_UNIT)) {
    await hand.run("systemctl disable --now ghostroll.service");
    await hand.run("systemctl stop ghostroll-release.path ghostroll-card@*.service");
    await hand.run("systemctl stop run-ghostroll-release.mount", false);
  }
  for (const { target } of SYSTEM_FILES) await hand.remove(target);
  await hand.remove("/usr/local/lib/ghostroll");
  await hand.remove(CACHE_DIR);
  for (const note of RUNTIME_NOTES) await hand.remove(note);
  // Not what is in them: that would be a card which a program keeps from being unmounted.
  for (const folder of RUNTIME_DIRS) if (hand.isEmpty(folder)) await hand.remove(folder);
  await hand.run("systemctl daemon-reload");
  await hand.run("udevadm control --reload", false);
  hand.keep(LIBRARY_DIR, "every original that was kept");
  hand.keep(SETTINGS_FILE.target, "your settings");
  hand.keep("the user ghostroll", "the library belongs to it");
  return 0;
}

function handFor({ isDryRun, root, name }: Install, { out, cwd }: Context): Hand {
  if (!isDryRun && root === null) assertSystem(`${PROGRAM}/bin/ghostroll ${name}`);
  const at = (path: string) => (root === null ? path : join(resolve(cwd, root), path));
  const tell = (verb: string, what: string) =>
    say(out, `${isDryRun ? "would " : ""}${verb.padEnd(7)}${what}`);
  return {
    has: (path) => existsSync(at(path)),
    isEmpty: (folder) => existsSync(at(folder)) && readdirSync(at(folder)).length === 0,
    keep: (what, reason) => tell("keep", `${what}  (${reason})`),
    async make(folder, mode) {
      if (existsSync(at(folder))) return tell("keep", folder);
      tell("make", folder);
      if (isDryRun) return;
      await orSay(folder, () => mkdir(at(folder), { recursive: true, mode }));
    },
    async write({ source, target, mode }) {
      const text = (await readFile(join(PROGRAM, source), "utf8")).replaceAll(EXPECTED_PROGRAM, PROGRAM);
      const isSame = (await readFile(at(target), "utf8").catch(() => null)) === text;
      if (isSame && ((await stat(at(target))).mode & 0o777) === mode) return tell("keep", target);
      tell("write", target);
      if (isDryRun) return;
      await orSay(target, async () => {
        await mkdir(dirname(at(target)), { recursive: true, mode: 0o755 });
        await writeDurably(at(target), text);
        await chmod(at(target), mode);
      });
    },
    async remove(path) {
      if (!existsSync(at(path))) return;
      tell("remove", path);
      if (isDryRun) return;
      // Another folder that is not empty holds what is not ours.
      await orSay(path, async () => {
        const isOurs = path === CACHE_DIR || RUNTIME_NOTES.some((note) => note === path);
        if (!isOurs && (await stat(at(path))).isDirectory()) await rmdir(at(path));
        else await rm(at(path), { recursive: isOurs });
      });
    },
    async run(words, isNeeded = true) {
      if (root !== null) return tell("skip", `${words}  (not in another root)`);
      tell("run", words);
      if (isDryRun) return;
      const complaint = await runProgram(words.split(" "));
      if (complaint === null) return;
      if (isNeeded) throw new Failure("install-failed", `\`${words}\` failed: ${complaint}`);
      say(out, `       that failed (${complaint}); restart this machine instead.`);
    },
  };
}

async function orSay(what: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new Failure("install-failed", `${what} cannot be changed (${String(error.code)}).`, {
      cause: error,
    });
  }
}
