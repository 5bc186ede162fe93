import { writeFile } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { Failure } from "../domain/failure.ts";
import type { Answer, Outcome, Post } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";

// The child process: hosts the threads, knows no task, and lives no longer than the process that forked it.

// Where memory runs out, the kernel ends this process before the one that forked it, which starts another. Only Linux has that file.
void writeFile("/proc/self/oom_score_adj", "500").catch(() => {});

const pool = new Piscina<Post, Outcome>({
  filename: fileURLToPath(new URL("./thread.ts", import.meta.url)),
  minThreads: 0,
  maxThreads: Number(process.argv[2]),
  // Piscina's default of 0 would start a thread for every run; the process itself ends when it was idle for longer.
  idleTimeout: 60_000,
  // Waiting in Atomics.wait stops what a decoder still does on its thread's event loop; a run takes far longer than a message.
  atomics: "disabled",
  // A thread's JavaScript holds names and numbers: listing 41,000 files of a card takes 32 MB. Pixels are not in its heap.
  resourceLimits: { maxOldGenerationSizeMb: 512 },
});
// A thread that fails between two runs has nobody to tell; the next run gets a new one.
pool.on("error", () => {});
// Node writes what it has compiled when a process ends by itself, and this one is killed in the end.
flushCompileCache();

process.on("message", (post: Post) => {
  void run(post).then((outcome) => send({ id: post.id, outcome }));
});

// Ctrl-C and `systemctl stop` reach the whole process group: main decides when its workers end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

// Main is gone. `process.exit` would wait for threads inside native code or a read of a dead card.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

async function run(post: Post): Promise<Outcome> {
  try {
    return await pool.run(post);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_OUT_OF_MEMORY") return outcomeOf(error);
    return outcomeOf(new Failure("worker-died", "A worker ran out of memory.", { cause: error }));
  }
}

function send(answer: Answer): void {
  // An answer that finds the channel closed has nobody left to read it.
  process.send?.(answer, undefined, undefined, () => {});
}
