import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Ended, Running } from "./ghostroll.ts";

/** The most memory each process of a command ever had, in MiB: main first, then its workers in the order they came. */
export interface Peaks {
  readonly ended: Ended;
  readonly mib: readonly number[];
}

const EVERY_MS = 50;
/** What takes less is no Node: a program the launcher runs, or a process that has only just been forked. */
const LEAST_MIB = 16;

/** Follows a command to its end. The kernel keeps the peak itself (VmHWM, proc(5)), so only a last short one is missed. */
export async function peaksOf(run: Running): Promise<Peaks> {
  const peaks = new Map<number, number>();
  const main = run.child.pid ?? 0;
  let ended: Ended | null = null;
  while (ended === null) {
    for (const pid of [main, ...(await childrenOf(main))]) {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const kib = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
      const mib = Math.round(Number(kib ?? 0) / 1024);
      if (mib >= LEAST_MIB) peaks.set(pid, mib);
    }
    ended = await Promise.race([run.ended, delay(EVERY_MS, null)]);
  }
  return { ended, mib: [...peaks.values()] };
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}
