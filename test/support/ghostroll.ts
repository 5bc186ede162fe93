import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Where the code under test is: this checkout, or a copy of it with a bug planted, to see whether a harness finds it. */
const SOURCE = process.env["GHOSTROLL_TEST_SOURCE"] ?? root;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard output so far. */
  out(): string;
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Runs as this user and group; only root can ask for it. */
  readonly uid?: number;
  /** A program with its arguments that runs the command: `["strace", "-f"]`. */
  readonly under?: readonly string[];
  /** Through its launcher, as people start it: with what that tells Node of memory. */
  readonly isLaunched?: boolean;
}

/** Starts the real command in a process of its own, with nothing of our own settings in its environment. */
export function start(
  args: readonly string[],
  { env = {}, cwd = root, uid, under = [], isLaunched = false }: Options = {},
): Running {
  const bare = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(GHOSTROLL_|AWS_|NODE_TEST_CONTEXT)/.test(name)),
  );
  const command = isLaunched
    ? ["sh", join(SOURCE, "bin/ghostroll")]
    : [process.execPath, join(SOURCE, "src/main.ts")];
  const [program = process.execPath, ...rest] = [...under, ...command, ...args];
  const child = spawn(program, rest, {
    cwd,
    env: { ...bare, AWS_EC2_METADATA_DISABLED: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
  child.on("error", reject);
  child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  return { child, ended, out: () => out };
}

/** Runs the real command to its end. */
export async function ghostroll(args: readonly string[], options: Options = {}): Promise<Ended> {
  return start(args, options).ended;
}
