import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Inventory } from "../../src/domain/card.ts";
import { isSameListing } from "../../src/domain/card.ts";

const bytes = (name: string) => new TextEncoder().encode(name);
const file = (name: string, sizeBytes = 3, modifiedMs = 7) => ({ path: bytes(name), sizeBytes, modifiedMs });
const refused = { path: bytes("pipe"), reason: "a pipe" };
const listing: Inventory = { files: [file("a"), file("b"), file("c")], refused: [] };

describe("two listings of a card", () => {
  it("are the same in the same order and in any other", () => {
    assert.equal(
      isSameListing(listing, { ...listing, files: listing.files.map((one) => ({ ...one })) }),
      true,
    );
    assert.equal(isSameListing(listing, { ...listing, files: listing.files.toReversed() }), true);
    assert.equal(isSameListing({ ...listing, refused: [refused] }, { ...listing, refused: [refused] }), true);
  });

  for (const [what, other] of [
    ["a file less", { files: listing.files.slice(1), refused: [] }],
    ["a file more", { files: [...listing.files, file("d")], refused: [] }],
    ["another name", { files: listing.files.with(1, file("B")), refused: [] }],
    ["a longer name", { files: listing.files.with(1, file("bb")), refused: [] }],
    ["another size", { files: listing.files.with(1, file("b", 4)), refused: [] }],
    ["another time", { files: listing.files.with(1, file("b", 3, 8)), refused: [] }],
    ["something refused", { ...listing, refused: [refused] }],
  ] as const satisfies [string, Inventory][])
    it(`are not with ${what}`, () => {
      assert.equal(isSameListing(listing, other), false);
      assert.equal(isSameListing(other, listing), false);
    });
});
