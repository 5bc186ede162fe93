import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Part } from "../../src/domain/part.ts";
import { mergeParts } from "../../src/domain/part.ts";
import { photo } from "../support/gallery-items.ts";

const part = (station: string, numbers: readonly number[], rest: Partial<Part> = {}): Part => ({
  station,
  state: "complete",
  items: numbers.map((n) => photo(n)),
  pending: 0,
  ...rest,
});

describe("the parts of a shared gallery", () => {
  it("make one gallery in capture order that shows every photo once, in whatever order the parts come", () => {
    const numbers = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 5 }), (lists) => {
        const parts = lists.map((list, index) => part(`pi-${index}`, list));
        const merged = mergeParts(parts);
        const union = [...new Set(lists.flat())].toSorted((a, b) => a - b);
        assert.deepEqual(
          merged.items.map(({ hash }) => hash),
          union.map((n) => photo(n).hash),
        );
        assert.deepEqual(mergeParts(parts.toReversed()), merged);
      }),
    );
  });

  it("are complete when each of them is, and count what is still to come", () => {
    const some = part("pi-1", [1, 2], { state: "uploading", pending: 3 });
    assert.equal(mergeParts([part("pi-2", [2, 5]), some]).state, "uploading");
    assert.equal(mergeParts([part("pi-2", [2, 5]), some]).expected, 6);
    assert.equal(mergeParts([part("pi-2", [2, 5]), part("pi-1", [1, 2])]).state, "complete");
    assert.equal(mergeParts([part("pi-2", [2, 5]), part("pi-1", [1, 2])]).expected, 3);
  });

  it("show the picture of the station that could make one", () => {
    const blind = { ...photo(1), renditions: [], note: "broken" };
    for (const stations of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const [first, second] = stations;
      const { items } = mergeParts([part(first, [], { items: [blind] }), part(second, [1])]);
      assert.deepEqual(items, [photo(1)]);
    }
  });
});
