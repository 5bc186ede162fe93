import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { track } from "../../src/app/tracker.ts";
import type { Session } from "../../src/domain/session.ts";

const session = {} as Session;
const removal = {
  isSameListing: true,
  foundFiles: 2,
  keptFiles: 2,
  failed: [],
  unmount: "done",
  proof: "cold",
} as const;

describe("what a person is told while a card is taken in", () => {
  it("says once that it can be removed, and once what is done last, however many zips there are", () => {
    const tracker = track("EOS");
    tracker.hear({ kind: "offloaded", removal });
    const first = tracker.look().sentence ?? "";
    assert.notEqual(first, "");
    for (const bytes of [7_000_000, 8_300_000, 9_900_000]) {
      tracker.hear({ kind: "zipping", session, zips: 1, bytes });
      const { sentence } = tracker.look();
      assert.ok(sentence?.startsWith(`${first} Everything is in the gallery; `), `${sentence}`);
      assert.equal(sentence?.match(/Everything/g)?.length, 1);
    }
    assert.match(tracker.look().sentence ?? "", /9\.9 MB\.$/);
  });

  it("has no link where none leads anywhere", () => {
    const link = "http://127.0.0.1:1/o/g/x";
    for (const hasLink of [true, false]) {
      const tracker = track("EOS", hasLink);
      tracker.hear({ kind: "published", session, link, tiles: 3, isComplete: true });
      assert.deepEqual([tracker.look().link, tracker.look().published], [hasLink ? link : null, 3]);
    }
  });
});
