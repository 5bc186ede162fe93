import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Ended, Running } from "./ghostroll.ts";
import { start } from "./ghostroll.ts";
import { tempFolder } from "./temp.ts";

/** A line of the daemon's log. */
export interface Line {
  readonly msg: string;
  readonly time: string;
  readonly level: string;
  readonly card?: string;
  readonly web?: string;
  readonly [field: string]: unknown;
}

export function logOf(run: Running): Line[] {
  return run
    .out()
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as Line);
}

/** Waits until the log says so; returns it. Of a daemon that has ended meanwhile nothing more is waited for. */
export async function until(
  run: Running,
  isSo: (log: Line[]) => boolean,
  withinMs = 60_000,
): Promise<Line[]> {
  let ended: Ended | null = null;
  void run.ended.then((how) => {
    ended = how;
  });
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(20)) {
    const log = logOf(run);
    if (isSo(log)) return log;
    if (ended !== null) assert.fail(`it ended before it came to that: ${JSON.stringify(ended)}`);
  }
  assert.fail(`it did not come to that within ${withinMs} ms:\n${run.out()}`);
}

/** How often the log says something, of one card or of all. */
export const times = (log: readonly Line[], words: string, card?: string): number =>
  log.filter(({ msg, card: of }) => msg.startsWith(words) && (card === undefined || of === card)).length;

interface Daemon {
  /** Folder below which cards appear. */
  readonly media: string;
  /** The library. */
  readonly base: string;
  launch(options?: Parameters<typeof start>[1]): Running;
  /** Asks it to end, and wants it to end well. */
  stop(run: Running): Promise<void>;
}

/** A daemon with a library and a mount root of its own; killed at the test's end if it still runs. */
export async function daemon(
  test: { after(run: () => unknown): void },
  settings: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const folder = await tempFolder(test as Parameters<typeof tempFolder>[0]);
  const [media, base] = [join(folder, "media"), join(folder, "library")];
  await mkdir(media);
  const all = { MOUNT_ROOTS: media, BASE_DIR: base, WEB_PORT: "0", RESERVE_MB: "0", ...settings };
  return {
    media,
    base,
    launch(options) {
      const pairs = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
      const run = start(["watch", ...pairs], options);
      test.after(() => void run.child.kill("SIGKILL"));
      return run;
    },
    async stop(run) {
      run.child.kill("SIGTERM");
      const { code, err } = await run.ended;
      assert.deepEqual([code, err], [0, ""], run.out());
    },
  };
}
