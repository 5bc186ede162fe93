import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { median, ratioOf } from "../../bench/measure.ts";
import { atLeast, atMost, tableOf } from "../../bench/table.ts";

describe("the table of measurements", () => {
  it("lines up its columns, numbers by their right end", () => {
    const lines = tableOf([
      {
        question: "a",
        figure: 1234.5,
        unit: "MB/s",
        against: { what: "b", ratio: 0.5 },
        goal: atLeast(0.4, 0.5),
      },
      { question: "longer", figure: 1.234, unit: "s" },
    ]).split("\n");
    assert.deepEqual(lines, [
      "question  figure  unit  compared with  ratio  goal",
      "a           1235  MB/s  b               0.50  ≥ 0.4 ×  ok",
      "longer      1.23  s",
    ]);
  });

  it("says which goals were missed", () => {
    const table = tableOf([
      { question: "slow", figure: 3, unit: "s", goal: atMost(2, 3, "s") },
      { question: "fast", figure: 2, unit: "s", goal: atMost(2, 2, "s") },
    ]);
    assert.match(table, /slow .*missed$/m);
    assert.match(table, /fast .*ok$/m);
  });

  it("takes the middle of several runs, and compares runs with their neighbors", () => {
    assert.equal(median([9, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 100]), 3);
    assert.equal(ratioOf([2, 20, 6], [1, 10, 2]), 2);
  });
});
