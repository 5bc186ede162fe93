import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Failure } from "../../src/domain/failure.ts";
import type { Workers } from "../../src/workers/pool.ts";
import { openWorkers } from "../../src/workers/pool.ts";
import type { Request } from "./fixtures/task.ts";

const TASK = new URL("./fixtures/task.ts", import.meta.url);
const DEADLINE_MS = 30_000;
const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "ghostroll-workers-"));

describe("workers", () => {
  after(() => rm(folder, { recursive: true, force: true }));

  it("start no process before the first run, and bring back its reply, bytes and all", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      assert.equal(workers.pid, null);
      const value = { path: new Uint8Array([0x41, 0xff, 0x0a]), sizeBytes: 5_000_000_000, list: [null, "é"] };
      const reply = (await runs(workers).run({ do: "reply", value }, never)) as typeof value;
      assert.deepEqual([...reply.path], [...value.path]);
      assert.deepEqual({ ...reply, path: null }, { ...value, path: null });
      assert.ok(isAlive(workers.pid));
    });
  });

  it("give a task the environment it was given and nothing else", async () => {
    await withWorkers({ threads: 1, env: { MALLOC_ARENA_MAX: "2" } }, async (workers) => {
      const { env, pid } = (await runs(workers).run({ do: "where" }, never)) as {
        env: Record<string, string>;
        pid: number;
      };
      const own = Object.keys(env).filter((name) => !name.startsWith("NODE_CHANNEL_"));
      assert.deepEqual(own, ["MALLOC_ARENA_MAX"]);
      assert.equal(pid, workers.pid);
    });
  });

  it("run where the kernel looks first when memory runs out, and not in the process that starts them again", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      await runs(workers).run({ do: "reply", value: 1 }, never);
      const score = (pid: number | null) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
      assert.equal(score(workers.pid), Math.max(500, score(process.pid)));
    });
  });

  it("bring a Failure back as a Failure with its cause, and a bug as an ordinary error with its stack", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      await assert.rejects(runs(workers).run({ do: "fail" }, never), (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.code, "file-unreadable");
        assert.equal(error.message, "IMG_0001.JPG could not be read.");
        assert.match((error.cause as Error).message, /EIO/);
        return true;
      });
      await assert.rejects(runs(workers).run({ do: "throw" }, never), (error: Error) => {
        assert.ok(!(error instanceof Failure));
        assert.equal(error.name, "TypeError");
        assert.match(error.stack ?? "", /fixtures\/task\.ts/);
        return true;
      });
    });
  });

  it("say so when a request cannot cross the border", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      await assert.rejects(runs(workers).run({ do: "reply", value: () => 1 }, never), /could not be cloned/);
      assert.equal(await runs(workers).run({ do: "reply", value: "goes on" }, never), "goes on");
    });
  });

  it("never run more at once than there are threads, and count only running time against a deadline", async () => {
    await withWorkers({ threads: 2 }, async (workers) => {
      const task = workers.task<Request, unknown>(TASK, 2_500);
      await Promise.all([1, 2].map(() => task.run({ do: "reply", value: 0 }, never)));
      const begun = performance.now();
      // Five rounds of 700 ms: the last would be late by a second if waiting counted.
      const all = await Promise.all(
        Array.from({ length: 10 }, () => task.run({ do: "sleep", ms: 700 }, never)),
      );
      assert.deepEqual(new Set(all), new Set(["slept"]));
      assert.ok(performance.now() - begun >= 3_450, "ten runs on two threads take five rounds");
    });
  });

  it("end a process whose run is late, while its neighbor is run again and completes", async () => {
    await withWorkers({ threads: 2 }, async (workers) => {
      const deadline = (request: Request) => (request.do === "hang" ? 400 : DEADLINE_MS);
      const task = workers.task<Request, unknown>(TASK, deadline);
      await task.run({ do: "reply", value: 0 }, never);
      const before = workers.pid;
      const neighbor = task.run({ do: "sleep", ms: 900 }, never);
      await assert.rejects(task.run({ do: "hang" }, never), died(/no answer within 0\.4 s/, "worker-late"));
      assert.equal(await neighbor, "slept");
      assert.notEqual(workers.pid, before);
      await gone(before);
    });
  });

  it("find the one of several runs that ends its process, and complete the others", async () => {
    await withWorkers({ threads: 3 }, async (workers) => {
      const task = runs(workers);
      const innocent = [1, 2, 3, 4].map(() => task.run({ do: "sleep", ms: 300 }, never));
      await assert.rejects(task.run({ do: "crash" }, never), (error: Error) => {
        // What a crash says on stderr is the only trace it leaves.
        assert.match((error.cause as Error).message, /double free/);
        return died(/by itself, twice \(SIGSEGV\)/)(error);
      });
      assert.deepEqual(await Promise.all(innocent), ["slept", "slept", "slept", "slept"]);
    });
  });

  it("complete a run under which a process died once", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      const mark = join(folder, "stumble");
      assert.equal(await runs(workers).run({ do: "stumble", mark }, never), "stood up");
    });
  });

  it("outlive a thread that runs out of memory", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      await assert.rejects(runs(workers).run({ do: "exhaust" }, never), died(/./));
      assert.equal(await runs(workers).run({ do: "reply", value: "fine" }, never), "fine");
    });
  });

  it("reject at once when the signal aborts, and never start what waited", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      const task = runs(workers);
      const [running, waiting] = [new AbortController(), new AbortController()];
      const mark = join(folder, "never-started");
      const first = task.run({ do: "sleep", ms: 2_000 }, running.signal);
      const second = task.run({ do: "sleep", ms: 1, mark }, waiting.signal);
      const begun = performance.now();
      waiting.abort(new Error("not needed any more"));
      running.abort(new Error("card gone"));
      await assert.rejects(second, /not needed any more/);
      await assert.rejects(first, /card gone/);
      assert.ok(performance.now() - begun < 1_000, "not only when it ends");
      await assert.rejects(task.run({ do: "reply", value: 1 }, AbortSignal.abort(new Error("late"))), /late/);
      assert.equal(await task.run({ do: "reply", value: "next" }, never), "next");
      assert.ok(!existsSync(mark));
    });
  });

  it("change to a fresh process after so many runs without failing one", async () => {
    await withWorkers({ threads: 2, recycleAfter: 5 }, async (workers) => {
      const task = runs(workers);
      const replies = await Promise.all(Array.from({ length: 12 }, () => task.run({ do: "where" }, never)));
      const counts = Map.groupBy(replies as { pid: number }[], ({ pid }) => pid);
      const sizes = [...counts.values()].map((group) => group.length);
      assert.deepEqual(
        sizes.sort((a, b) => a - b),
        [2, 5, 5],
      );
    });
  });

  it("end their process when it was idle, and start another when there is work again", async () => {
    await withWorkers({ threads: 1, idleMs: 150 }, async (workers) => {
      await runs(workers).run({ do: "reply", value: 1 }, never);
      const { pid } = workers;
      await gone(pid);
      assert.equal(workers.pid, null);
      assert.equal(await runs(workers).run({ do: "reply", value: 2 }, never), 2);
    });
  });

  it("are prepared by a process that has loaded the task and not run it, and is taken for the first run", async () => {
    const mark = join(folder, "loaded");
    await withWorkers({ threads: 2, env: { LOADED: mark } }, async (workers) => {
      const task = workers.task<null, number>(new URL("./fixtures/loads.ts", import.meta.url), DEADLINE_MS);
      task.prepare();
      task.prepare();
      const { pid } = workers;
      assert.ok(isAlive(pid));
      for (let tries = 0; tries < 200 && !existsSync(mark); tries++) await delay(50);
      assert.ok(existsSync(mark));
      assert.equal(await task.run(null, never), pid);
    });
  });

  it("let a run that comes while its task is loaded wait for that, in the same thread", async () => {
    await withWorkers({ threads: 2 }, async (workers) => {
      runs(workers).prepare();
      const first = (await runs(workers).run({ do: "where" }, never)) as { threadId: number };
      const both = [1, 2].map(() => runs(workers).run({ do: "sleep", ms: 200 }, never));
      assert.deepEqual(await Promise.all(both), ["slept", "slept"]);
      assert.equal(first.threadId, 1);
    });
  });

  it("are idle as ever after they were prepared, and are not prepared once they are closed", async () => {
    await withWorkers({ threads: 1, idleMs: 150 }, async (workers) => {
      runs(workers).prepare();
      const { pid } = workers;
      assert.ok(pid !== null);
      await gone(pid);
      assert.equal(workers.pid, null);
      await workers.close();
      runs(workers).prepare();
      assert.equal(workers.pid, null);
    });
  });

  it("tell of a task that cannot be loaded when it is run, not when they are prepared for it", async () => {
    await withWorkers({ threads: 1 }, async (workers) => {
      const missing = workers.task<null, null>(
        new URL("./fixtures/missing.ts", import.meta.url),
        DEADLINE_MS,
      );
      missing.prepare();
      assert.equal(await runs(workers).run({ do: "reply", value: "fine" }, never), "fine");
      await assert.rejects(missing.run(null, never), /missing\.ts/);
    });
  });

  it("end with the process that opened them, even in the middle of a run", async () => {
    const parent = spawn(
      process.execPath,
      [fileURLToPath(new URL("./fixtures/parent.ts", import.meta.url))],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(isAlive(pid));
    parent.kill("SIGKILL");
    await gone(pid);
  });

  it("leave no process when they are closed, and say so to what was in flight", async () => {
    const workers = openWorkers({ threads: 1, env: {} });
    const task = runs(workers);
    await task.run({ do: "reply", value: 1 }, never);
    const { pid } = workers;
    const running = assert.rejects(task.run({ do: "hang" }, never), { code: "interrupted" });
    const waiting = assert.rejects(task.run({ do: "hang" }, never), { code: "interrupted" });
    await workers.close();
    await Promise.all([running, waiting]);
    assert.ok(!isAlive(pid));
    await assert.rejects(task.run({ do: "reply", value: 1 }, never), { code: "interrupted" });
  });
});

async function withWorkers(
  options: Partial<Parameters<typeof openWorkers>[0]> & { threads: number },
  use: (workers: Workers) => Promise<void>,
): Promise<void> {
  const workers = openWorkers({ env: {}, ...options });
  try {
    await use(workers);
  } finally {
    await workers.close();
  }
}

function runs(workers: Workers) {
  return workers.task<Request, unknown>(TASK, DEADLINE_MS);
}

function died(message: RegExp, code = "worker-died"): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** Whether a process runs; one that is dead but not yet reaped by its parent does not. */
function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pid: number | null): Promise<void> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await delay(50);
  assert.ok(!isAlive(pid), `process ${pid} is still there after 5 s`);
}
