import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Setting } from "./measure.ts";
import { interleave, median } from "./measure.ts";
import { startGhostroll } from "./processes.ts";
import type { Row } from "./table.ts";
import { atMost } from "./table.ts";

/** What people accept as "at once" on a PC. */
const START_MS = 300;
/** A tenth of what the smallest 64-bit Raspberry Pi has. */
const IDLE_MB = 100;
/** V8 gives memory back some seconds after the start. */
const SETTLE_MS = 15_000;

/** How long until the command answers, and what does the daemon hold while no card is in? */
export async function start({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const settings = { BASE_DIR: join(folder, "library"), WEB_PORT: "0" };
  // First, so that there is a library to tell the status of.
  const [main = Number.NaN, ...children] = await idleMB(folder, settings);
  const ran = async (command: string) => {
    const code = await startGhostroll([command], settings).ended;
    if (code !== 0) throw new Error(`ghostroll ${command} ended with ${code}`);
  };
  const seconds = await interleave(isShort ? 3 : 5, {
    version: () => ran("--version"),
    status: () => ran("status"),
  });
  const row = (question: string, took: readonly number[]): Row => {
    const ms = median(took) * 1000;
    return { question, figure: ms, unit: "ms", goal: atMost(START_MS, ms, "ms") };
  };
  const total = children.reduce((sum, child) => sum + child, main);
  return [
    row("start: --version", seconds.version),
    row("start: status", seconds.status),
    { question: "idle: watch, main process", figure: main, unit: "MB", goal: atMost(IDLE_MB, main, "MB") },
    { question: `idle: watch with ${children.length} children`, figure: total, unit: "MB" },
  ];
}

async function idleMB(folder: string, settings: Readonly<Record<string, string>>) {
  const roots = join(folder, "cards");
  await mkdir(roots);
  const { promise: isWaiting, resolve } = Promise.withResolvers<void>();
  const watch = startGhostroll(["watch"], { ...settings, MOUNT_ROOTS: roots }, (line) => {
    if (line.includes("waiting for cards")) resolve();
  });
  await Promise.race([isWaiting, watch.ended]);
  await delay(SETTLE_MS);
  const now = watch.nowMB();
  watch.stop();
  await watch.ended;
  return now;
}
