import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dirname, "../bin/ghostroll");
/** VmHWM is a high-water mark, so little is missed: only what a process took in its last moments. */
const SAMPLE_MS = 100;

export interface Watched {
  readonly pid: number;
  /** Exit code, `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** The most memory it ever held in MB, then that of each of its children in the order they were started. */
  peaksMB(): readonly number[];
  /** Processor time of all of them so far. */
  cpuSeconds(): number;
  /** Memory held now in MB, the same way. */
  nowMB(): readonly number[];
  stop(): void;
}

/** Starts the real command in a process of its own, with no settings but these; `onLine` gets each line it prints. */
export function startGhostroll(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => {},
): Watched {
  const bare = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(GHOSTROLL|AWS)_/.test(name)),
  );
  const named = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`GHOSTROLL_${name}`, value]),
  );
  const child = spawn("sh", [LAUNCHER, ...args], {
    env: { ...bare, ...named },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = child.pid ?? 0;
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  const peaks = new Map<number, number>();
  const cpu = new Map<number, number>();
  const sample = () => {
    for (const id of [pid, ...childrenOf(pid)]) {
      const peak = memoryMB(id, "VmHWM");
      if (peak === 0) continue;
      peaks.set(id, peak);
      cpu.set(id, Math.max(cpu.get(id) ?? 0, cpuSecondsOf(id)));
    }
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      clearInterval(timer);
      resolve(code);
    }),
  );
  return {
    pid,
    ended,
    cpuSeconds: () => cpu.values().reduce((sum, seconds) => sum + seconds, 0),
    peaksMB: () => [...peaks.values()],
    nowMB: () => [pid, ...childrenOf(pid)].map((id) => memoryMB(id, "VmRSS")),
    stop: () => void child.kill("SIGTERM"),
  };
}

/** Children forked by the main thread, oldest first (proc_pid_task(5)). */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
  } catch {
    return [];
  }
}

/** Linux counts in hundredths for every program (time(7), USER_HZ). */
const TICKS = 100;

/** User and system time of one process (proc_pid_stat(5), fields 14 and 15). */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}

/** 0 for a process that is gone. */
function memoryMB(pid: number, field: "VmHWM" | "VmRSS"): number {
  try {
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    )?.[1];
    return (Number(kib ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
