import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Post } from "./outcome.ts";

/** How a child ended by itself. */
export interface Death {
  /** For people: `SIGSEGV`, `exit code 134`, or why it could not be started. */
  readonly reason: string;
  /** The last it wrote to stderr, for the log. */
  readonly stderr: string;
}

export interface Child {
  readonly pid: number | null;
  /** Hands a run over. Throws when the request cannot be cloned; a child that is dead already says so through `onDeath`. */
  post(post: Post): void;
  /** Ends it at once, without `onDeath`. */
  kill(): void;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
}

interface ChildOptions {
  readonly threads: number;
  readonly env: Readonly<Record<string, string>>;
  readonly onAnswer: (answer: Answer) => void;
  readonly onDeath: (death: Death) => void;
}

/** What is kept of stderr: the report of a crash, not the chatter of a decoder before it. */
const STDERR_CHARACTERS = 8192;

/** Threads pass names and numbers on, and hold little of them: V8 would let the young generation of each grow to 128 MiB. */
const SEMI_SPACE_MIB = 4;

/** Starts a process that hosts threads. It ends with this process, whatever that dies of. */
export function startChild({ threads, env, onAnswer, onDeath }: ChildOptions): Child {
  const child = fork(fileURLToPath(new URL("./host.ts", import.meta.url)), [String(threads)], {
    env,
    execArgv: [`--max-semi-space-size=${SEMI_SPACE_MIB}`],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let isKilled = false;
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  child.on("message", (answer: Answer) => {
    if (!isKilled) onAnswer(answer);
  });

  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => {
      // It could not be started. Any other error is a message to a process that is about to be reported dead.
      if (child.pid === undefined) resolve(error.message);
    });
    child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // Only when the channel has ended, too, has every answer been read that it sent before it died.
  const disconnected = new Promise<void>((resolve) => {
    if (child.connected) child.on("disconnect", resolve);
    else resolve();
  });
  const gone = Promise.all([ended, disconnected]).then(([reason]) => {
    if (!isKilled) onDeath({ reason, stderr });
  });

  return {
    pid: child.pid ?? null,
    gone,
    post(post) {
      child.send(post, undefined, undefined, () => {});
    },
    kill() {
      isKilled = true;
      child.kill("SIGKILL");
      // A process inside an uninterruptible read does not end: it must not keep this one from ending.
      child.unref();
      child.channel?.unref();
      child.stderr?.destroy();
    },
  };
}
