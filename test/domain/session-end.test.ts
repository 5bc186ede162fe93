import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Tally } from "../../src/domain/session.ts";
import { assertAddsUp } from "../../src/domain/session.ts";
import type { SessionEnd, SessionFacts } from "../../src/domain/session-end.ts";
import { endInWords, endOf } from "../../src/domain/session-end.ts";

const tally: Tally = {
  found: 40,
  kept: 37,
  duplicates: 3,
  failed: 0,
  damaged: 0,
  rendered: 37,
  uploaded: 37,
  published: 37,
  keptBytes: 9,
};
const complete: SessionFacts = {
  session: { isOffloaded: true, isPublished: true, waitsFor: null, isRevoked: false, isStanding: false },
  tally,
  troubles: [],
  uncopied: 0,
};
const session = (change: Partial<SessionFacts["session"]>) => ({
  session: { ...complete.session, ...change },
});
const failed = {
  tally: { ...tally, kept: 34, failed: 3 },
  troubles: ["A", "B", "C"].map((name) => ({ name, reason: "x" })),
};
const half = { tally: { ...tally, kept: 10, duplicates: 0, published: 0 } };

const ENDS: readonly (readonly [SessionEnd, Partial<SessionFacts>, RegExp])[] = [
  ["complete", {}, /^Complete: 37 files kept, 3 duplicates known\.$/],
  ["complete-with-failures", failed, /37 of 40 kept; 3 unreadable: A, B, C\.$/],
  ["waiting-for-card", { ...session({ isOffloaded: false, isPublished: false }), ...half }, /30 of 40 files not read yet\. Insert it again/],
  ["waiting-for-card", { ...session({ isOffloaded: false, waitsFor: "card-removed" }), ...half }, /Waiting for the card/],
  ["waiting-for-space", { ...session({ isOffloaded: false, waitsFor: "disk-full" }), ...half }, /30 of 40 files not read yet\. Free some space/],
  ["waiting-for-network", { ...session({ isPublished: false, waitsFor: "remote-unreachable" }), tally: { ...tally, published: 30 } }, /7 of 37 kept files not in .*Check the network/],
  ["waiting-for-network", session({ isPublished: false, waitsFor: "interrupted" }), /Waiting for the network/],
  ["being-read", { ...session({ isOffloaded: false, isPublished: false }), ...half, isAtWork: true }, /being read: 30 of 40 files not read yet\.$/],
  ["waiting-for-card", { ...session({ isOffloaded: false, waitsFor: "card-removed" }), ...half, isAtWork: true }, /Waiting for the card/],
  ["being-delivered", { ...session({ isPublished: false }), tally: { ...tally, published: 30 }, isAtWork: true }, /30 of 37 kept files so far/],
  ["waiting-for-network", { ...session({ isPublished: false, waitsFor: "gallery-gone" }), ...half }, /^Waiting: 10 of 10 kept files .*Run it again/],
  ["revoked", session({ isPublished: false, isRevoked: true }), /nobody can open its gallery; 37 files kept/],
  ["revoked", session({ isPublished: false, isRevoked: true, isStanding: true }), /not gone yet: its gallery may still open; 37 files/],
  ["waiting-for-second-disk", { uncopied: 12 }, /second disk: 12 of 37 kept files not copied/],
]; // biome-ignore format: a table reads in columns

describe("the end of a session", () => {
  for (const [end, change, sentence] of ENDS)
    it(`is "${end}" and says what to do: ${sentence.source}`, () => {
      const facts = { ...complete, ...change };
      assert.equal(endOf(facts), end);
      assert.match(endInWords(facts), sentence);
      if (end !== "complete") assert.doesNotMatch(endInWords(facts), /safe/i);
    });

  it("is never called complete with a file unaccounted for: that is a bug, and ends the process", () => {
    assertAddsUp(tally);
    assert.throws(() => assertAddsUp({ ...tally, kept: 36 }), /40 files found, but 36 kept/);
  });
});
