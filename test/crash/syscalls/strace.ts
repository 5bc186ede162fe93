import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Calls that change what is on disk or decide whether it is there, as a run of the product makes them on x86 and ARM. */
export const CHANGING =
  "openat write pwrite64 fsync fdatasync link linkat rename renameat renameat2 unlink unlinkat mkdir mkdirat ftruncate utimensat".split(
    " ",
  );

export interface Call {
  readonly name: string;
  /** Its number among the calls of that name in its thread: strace counts `when=` for each thread. */
  readonly number: number;
  /** Whether strace made it fail, or it was never answered because its process was killed in it. */
  isHit: boolean;
  readonly thread: string;
  readonly line: string;
}

interface Wish {
  readonly log: string;
  /** Calls to write down. */
  readonly calls: readonly string[];
  /** Only calls on these, whole paths; all when empty. */
  readonly paths?: readonly string[];
  /** What to do to a call: `signal=KILL:when=3`. */
  readonly inject?: string;
  /** So much of what is written is written down, too. */
  readonly shownBytes?: number;
}

/** What runs a command under strace, all its processes and threads included. */
export function under({ log, calls, paths = [], inject, shownBytes = 0 }: Wish): string[] {
  // ARM64 has no `link`, `mkdir`, …: a question mark in front lets strace pass over what a machine does not know.
  const names = calls.map((name) => `?${name}`).join(",");
  return [
    "strace",
    "-f",
    "-qq",
    `-s${shownBytes}`,
    "-y",
    "-o",
    log,
    "-e",
    `trace=${names}`,
    // Stops only at the calls asked for, which takes half the time; strace 6.1 then forgets about signals, without a word.
    ...(inject?.startsWith("signal") ? [] : ["--seccomp-bpf"]),
    ...(inject === undefined ? [] : ["-e", `inject=${names}:${inject}`]),
    ...paths.flatMap((path) => ["-P", path]),
    "--",
  ];
}

/** What strace has written down, in order. */
export async function callsIn(log: string): Promise<Call[]> {
  const counts = new Map<string, number>();
  const latest = new Map<string, Call>();
  const calls: Call[] = [];
  for (const line of (await readFile(log, "utf8")).split("\n")) {
    const [, thread = "", name] = /^(\d+) +(?:<\.\.\. )?(\w+)/.exec(line) ?? [];
    if (name === undefined) continue;
    const isHit = /\(INJECTED\)$|= \?$|<unfinished \.\.\.>$/.test(line);
    const begun = latest.get(thread);
    if (line.includes(" resumed>") && begun !== undefined) begun.isHit = isHit;
    if (!line.includes(`${name}(`)) continue;
    const number = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, number);
    const call = { name, number, thread, line, isHit };
    latest.set(thread, call);
    calls.push(call);
  }
  return calls;
}

/** The paths below a folder that a call names, or has open. */
export function pathsBelow(folder: string, { line }: Call): string[] {
  return [...line.matchAll(/["<](\/[^">]*)[">]/g)]
    .flatMap(([, path]) => (path === undefined ? [] : [path]))
    .filter((path) => path === folder || path.startsWith(join(folder, "/")))
    .map((path) => relative(folder, path));
}
