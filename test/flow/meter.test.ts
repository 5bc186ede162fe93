import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openMeter } from "../../src/flow/meter.ts";

describe("a meter", () => {
  it("lets all who ask have the limit together, whoever asks, and no flood after a pause", async () => {
    const { take } = openMeter(1_000_000);
    const taken = async (times: number) => {
      const startMs = performance.now();
      await Promise.all(Array.from({ length: times }, async () => take(10_000)));
      return performance.now() - startMs;
    };
    for (const tookMs of [await taken(40), await taken(40)])
      assert.ok(tookMs >= 295 && tookMs < 3000, `${tookMs} ms for 400 ms of bytes`);
  });

  it("serves in the order of asking", async () => {
    const { take } = openMeter(100_000);
    const order: number[] = [];
    await Promise.all(
      [9000, 1000, 5000, 10].map(async (bytes, index) => take(bytes).then(() => order.push(index))),
    );
    assert.deepEqual(order, [0, 1, 2, 3]);
  });
});
