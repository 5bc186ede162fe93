import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Doubt, FormatFacts } from "../../src/domain/safety.ts";
import { doubtsOfFormat, doubtsOfRemoval, formatInWords, removalInWords } from "../../src/domain/safety.ts";

/** A card of which everything can be said. */
const GOOD: FormatFacts = {
  isSameListing: true,
  foundFiles: 2,
  keptFiles: 2,
  failed: [],
  unmount: "done",
  proof: "cold",
  originals: [
    { name: "A.JPG", places: ["library", "second disk"] },
    { name: "B.JPG", places: ["library", "bucket"] },
  ],
  source: "equal",
};

const ONE = { foundFiles: 1, keptFiles: 1 } as const;

/** Each condition of data-safety.md, and facts of which it alone does not hold. */
const AGAINST_REMOVAL: readonly (readonly [Doubt, Partial<FormatFacts>, RegExp])[] = [
  ["listing-changed", { isSameListing: false }, /changed while it was read.*run it again/],
  ["files-missing", { foundFiles: 3 }, /1 file of 3 not kept yet/],
  ["files-failed", { foundFiles: 3, failed: ["C.JPG"] }, /2 of 3 kept; 1 unreadable: C\.JPG\./],
  ["unmount-failed", { unmount: "failed" }, /could not be unmounted/],
];
const AGAINST_FORMAT: typeof AGAINST_REMOVAL = [
  ["files-missing", { originals: GOOD.originals.slice(1) }, /1 file of the card cannot be found/],
  ["card-empty", { foundFiles: 0, keptFiles: 0, originals: [] }, /not a single file/],
  [
    "one-copy",
    { ...ONE, originals: [{ name: "A.JPG", places: ["library"] }] },
    /1 of 1 file without a second copy/,
  ],
  [
    "one-copy",
    { ...ONE, originals: [{ name: "A.JPG", places: ["library", "library"] }] },
    /without a second copy/,
  ],
  ["source-not-read", { source: "not-read" }, /--verify-source/],
  ["source-cached", { source: "cached" }, /only from memory/],
  ["source-different", { source: "different" }, /other bytes/],
];

describe("what is said of a card", () => {
  it("is that it is safe to remove and to format when every condition holds", () => {
    assert.deepEqual(doubtsOfRemoval(GOOD), []);
    assert.match(removalInWords(GOOD), /^Safe to remove: every file on the card is kept/);
    assert.deepEqual(doubtsOfFormat(GOOD), []);
    assert.match(formatInWords([]), /^Safe to format: every file is kept twice/);
  });

  for (const [doubt, change, sentence] of AGAINST_REMOVAL)
    it(`is neither when only this does not hold: ${doubt}`, () => {
      const facts = { ...GOOD, ...change };
      assert.deepEqual(
        doubtsOfRemoval(facts).map((one) => one.doubt),
        [doubt],
      );
      assert.match(removalInWords(facts), sentence);
      assert.doesNotMatch(removalInWords(facts), /\bsafe\b/i);
      assert.deepEqual(
        doubtsOfFormat(facts).map((one) => one.doubt),
        [doubt],
      );
    });

  for (const [doubt, change, sentence] of AGAINST_FORMAT)
    it(`is safe to remove but not to format when only this does not hold: ${doubt} ${JSON.stringify(change)}`, () => {
      const facts = { ...GOOD, ...change };
      assert.deepEqual(doubtsOfRemoval(facts), []);
      assert.deepEqual(
        doubtsOfFormat(facts).map((one) => one.doubt),
        [doubt],
      );
      assert.match(formatInWords(doubtsOfFormat(facts)), sentence);
      assert.match(formatInWords(doubtsOfFormat(facts)), /^Not yet safe to format/);
    });

  it("names no more files than fit into a text message, and counts the rest", () => {
    const failed = Array.from({ length: 40 }, (_, n) => `IMG_${n}.JPG`);
    const said = removalInWords({ ...GOOD, foundFiles: 42, failed });
    assert.match(said, /^2 of 42 kept; 40 unreadable: IMG_0\.JPG, .*IMG_4\.JPG and 35 more\.$/);
  });

  it("is not that it is safe to remove while somebody else has it mounted, only that it is kept", () => {
    assert.doesNotMatch(removalInWords({ ...GOOD, unmount: "not-ours" }), /safe/i);
    assert.match(removalInWords({ ...GOOD, unmount: "not-ours" }), /every file on the card is kept/i);
  });

  it("is neither proved nor safe where copies could be read back from memory only", () => {
    for (const unmount of ["done", "not-ours"] as const) {
      const said = removalInWords({ ...GOOD, unmount, proof: "cached" });
      assert.match(said, /^Every file on the card is kept.* from memory only/);
      assert.doesNotMatch(said, /safe|proved/i);
    }
  });
});
