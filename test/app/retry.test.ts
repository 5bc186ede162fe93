import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Next } from "../../src/app/retry.ts";
import { openRetry } from "../../src/app/retry.ts";

/** Lets promises that are settled run on; the clock stands still. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

function harness(t: TestContext, random = 0) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let next: Next = "later";
  let attempts = 0;
  const retry = openRetry({
    attempt: async () => {
      attempts++;
      return next;
    },
    random: () => random,
  });
  return {
    retry,
    attempts: () => attempts,
    becomes(value: Next) {
      next = value;
    },
    async pass(ms: number) {
      t.mock.timers.tick(ms);
      await settled();
    },
  };
}

describe("what failed and may be possible later", () => {
  it("is tried after 5 s, then after twice as long each time up to 5 min, until it is done", async (t) => {
    const { retry, attempts, becomes, pass } = harness(t);
    retry.release("later");
    for (const [tries, seconds] of [5, 10, 20, 40, 80, 160, 300, 300].entries()) {
      await pass(seconds * 1000 - 1);
      assert.equal(attempts(), tries);
      if (tries === 7) becomes("never");
      await pass(1);
      assert.equal(attempts(), tries + 1);
    }
    await pass(3_600_000);
    assert.equal(attempts(), 8);
  });

  it("is tried at up to half the wait earlier, so that not all boxes come at once", async (t) => {
    const { retry, attempts, pass } = harness(t, 0.999);
    retry.release("later");
    await pass(2_490);
    assert.equal(attempts(), 0);
    await pass(20);
    assert.equal(attempts(), 1);
  });

  it("waits while something more urgent holds it, each hold for itself, and counts again from then", async (t) => {
    const { retry, attempts, pass } = harness(t);
    retry.release("later");
    for (let tries = 0; tries < 4; tries++) await pass(80_000);
    const before = attempts();
    await Promise.all([retry.hold(), retry.hold()]);
    retry.release("at once");
    await pass(3_600_000);
    assert.equal(attempts(), before, "one hold is left");
    retry.release("later");
    await pass(5_000);
    assert.equal(attempts(), before + 1);
  });

  it("ends an attempt under way before a hold is granted, and for good when it is closed", async () => {
    let ended = 0;
    const retry = openRetry({
      attempt: async (signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        ended++;
        return "at once";
      },
    });
    retry.release("at once");
    await retry.hold();
    assert.equal(ended, 1);
    retry.release("at once");
    await retry.close();
    assert.equal(ended, 2);
  });
});
