import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VolumeId } from "../../src/domain/card.ts";
import type { FailureCode } from "../../src/domain/failure.ts";
import { Failure } from "../../src/domain/failure.ts";
import { endInWords } from "../../src/domain/session-end.ts";
import { openListener } from "../../src/ingest/silence.ts";

const volume = { id: "v" as VolumeId, root: "/card", label: "EOS" };
const fails = (code: FailureCode) => async () => Promise.reject(new Failure(code, "IMG_0001.JPG"));

describe("a card that falls silent", () => {
  it("is given up after two files in a row that brought nothing, and not while anything comes in between", async () => {
    const listen = openListener(volume);
    await assert.rejects(listen(fails("file-silent")), { code: "file-silent" });
    assert.equal(await listen(async () => 1), 1);
    await assert.rejects(listen(fails("file-silent")), { code: "file-silent" });
    // An error is an answer, too.
    await assert.rejects(listen(fails("file-unreadable")), { code: "file-unreadable" });
    await assert.rejects(listen(fails("file-silent")), { code: "file-silent" });
    await assert.rejects(listen(fails("file-silent")), {
      code: "card-unresponsive",
      message: "The card EOS does not respond: 2 files in a row brought nothing.",
    });
  });

  it("is said so in the status, with what to do", () => {
    const tally = { found: 9, kept: 2, keptBytes: 2, duplicates: 0, failed: 0, damaged: 0 };
    const sentence = endInWords({
      session: {
        isOffloaded: false,
        isPublished: false,
        isRevoked: false,
        isStanding: false,
        waitsFor: "card-unresponsive",
      },
      tally: { ...tally, rendered: 0, uploaded: 0, published: 0 },
      troubles: [],
      uncopied: 0,
    });
    assert.match(sentence, /^The card does not respond: 7 of 9 files not read yet\. Take it out, /);
  });
});
