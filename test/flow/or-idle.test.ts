import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { orIdle } from "../../src/flow/or-idle.ts";

async function* slowly(...pausesMs: number[]) {
  for (const [index, pauseMs] of pausesMs.entries()) {
    await delay(pauseMs);
    yield index;
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("waiting with a pulse", () => {
  it("passes every item on once, in order", async () => {
    const items = (await collect(orIdle(slowly(0, 5, 60, 0), 20))).filter((item) => item !== null);
    assert.deepEqual(items, [0, 1, 2, 3]);
  });

  it("says so when nothing came for a while", async () => {
    const items = await collect(orIdle(slowly(0, 70), 20));
    assert.equal(items[0], 0);
    assert.equal(items[1], null);
    assert.equal(items.at(-1), 1);
  });

  it("passes an error on", async () => {
    const failing = async function* () {
      yield 1;
      throw new Error("broken");
    };
    await assert.rejects(collect(orIdle(failing(), 20)), /broken/);
  });

  it("lets the source end when the consumer stops early", async () => {
    let isEnded = false;
    const source = async function* () {
      try {
        for (;;) yield 1;
      } finally {
        isEnded = true;
      }
    };
    for await (const item of orIdle(source(), 20)) if (item !== null) break;
    assert.equal(isEnded, true);
  });
});
