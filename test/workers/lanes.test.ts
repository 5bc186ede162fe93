import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { Lanes } from "../../src/workers/lanes.ts";
import { openLanes } from "../../src/workers/lanes.ts";
import { makeCard } from "../support/card.ts";
import { exfatCard } from "../support/exfat-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";

const TASK = new URL("./fixtures/task.ts", import.meta.url);
const PEEK = new URL("../../src/card/peek-task.ts", import.meta.url);
const never = new AbortController().signal;

interface Request {
  readonly card: string;
  readonly do: string;
  readonly ms?: number;
  readonly value?: unknown;
}

const options = { lane: ({ card }: Request) => card, deadlineMs: 4_000, usualMs: () => 300 };

async function withLanes(
  use: (lanes: Lanes, told: string[]) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const told: string[] = [];
  const onSilence = (lane: string, isSilent: boolean) =>
    void told.push(`${lane} ${isSilent ? "silent" : "heard"}`);
  const lanes = openLanes({ threads: 1, env, onSilence });
  try {
    await use(lanes, told);
  } finally {
    await lanes.close();
  }
}

describe("lanes", () => {
  it("keep what hangs in one of them from holding up another, also when it has to be ended", async () => {
    await withLanes(async (lanes, told) => {
      const task = lanes.task<Request, unknown>(TASK, options);
      const hung = task.run({ card: "A", do: "hang" }, never);
      const slow = task.run({ card: "B", do: "sleep", ms: 1_200 }, never);
      const behind = task.run({ card: "A", do: "reply", value: 1 }, never);
      await assert.rejects(hung, { code: "worker-late" });
      assert.equal(await slow, "slept");
      assert.equal(await behind, 1);
      assert.deepEqual(told.toSorted(), ["A heard", "A silent", "B heard", "B silent"]);
    });
  });

  it("give the process that was prepared to the next new one of them, and the one after that its own", async () => {
    const started = async () => (await children()).filter((pid) => !before.includes(pid));
    const before = await children();
    await withLanes(async (lanes) => {
      const task = lanes.task<Request, { pid: number }>(TASK, options);
      task.prepare();
      task.prepare();
      const spare = await started();
      assert.equal(spare.length, 1);
      const pids: number[] = [];
      for (const card of ["A", "A", "B"]) pids.push((await task.run({ card, do: "where" }, never)).pid);
      assert.deepEqual(pids.slice(0, 2), [spare[0], spare[0]]);
      assert.notEqual(pids[2], spare[0]);
      task.prepare();
      assert.equal((await started()).length, 3);
    });
    assert.deepEqual(await started(), [], "also the spare one ends with the others");
  });
});

const skip = lacks("mkfs.exfat", "mount.exfat-fuse") || lacksRoot();

/** Processes this one has started and that are not gone. */
async function children(): Promise<number[]> {
  const text = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

describe("workers that cannot be ended", { skip }, () => {
  it("are not joined by more and more of them, and work goes on when the card answers again", async (t) => {
    const card = await exfatCard(t, 16 * 2 ** 20);
    await card.insert("rw");
    await makeCard(card.root, { "DCIM/100CANON/IMG_0001.JPG": "x" });
    await withLanes(async (lanes) => {
      const peek = lanes.task<{ root: string }, unknown>(PEEK, {
        lane: ({ root }) => root,
        deadlineMs: 3_000,
      });
      await peek.run({ root: card.root }, never);
      const before = (await children()).length;
      card.hang();
      for (let look = 0; look < 5; look++)
        await assert.rejects(peek.run({ root: card.root }, never), { code: "worker-late" });
      const stuck = (await children()).length - before + 1;
      t.diagnostic(`after 5 looks at a card that hangs there are ${stuck} processes`);
      assert.ok(stuck <= 2, `${stuck} processes`);
      await peek.run({ root: import.meta.dirname }, never);
      card.answer();
      const untilMs = performance.now() + 5_000;
      for (;;)
        try {
          await peek.run({ root: card.root }, never);
          break;
        } catch (error) {
          if (performance.now() > untilMs) throw error;
        }
    });
  });
});
