import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completeInWords, openInWords, withLink } from "../../src/notify/words.ts";

const LINK = "https://bucket.s3.eu-central-1.amazonaws.com/g/abcdefghijklmnopqrstuv/v";
const none = { failed: 0, damaged: 0 };

describe("the words of a text message", () => {
  it("are one SMS with a short link, which stands last and alone, whatever the title", () => {
    const troubles = [{ name: "DSC_0412.NEF", reason: "x" }];
    for (const title of ["Wedding", "A very long title of a wedding ".repeat(4).trim()])
      for (const words of [
        openInWords(title, "12 photos"),
        completeInWords(
          title,
          "4,990 photos, 8 videos, 2 files without a preview",
          { failed: 1, damaged: 0 },
          troubles,
        ),
      ]) {
        const message = withLink(words, LINK);
        assert.ok(message.length <= 160, message);
        assert.ok(message.endsWith(` ${LINK}`));
        assert.doesNotMatch(message, /…/, "not in the alphabet of phones: it would take two texts");
      }
  });

  it("stay short before a signed link, which is longer than a text by itself", () => {
    const link = `https://example/${"x".repeat(440)}`;
    assert.ok(withLink("word ".repeat(100), link).length <= 141 + link.length);
  });

  it("may take two texts to say what to do about trouble", () => {
    const words = "EOS: 12 of 40 files not read yet. ".repeat(6);
    assert.equal(withLink(words, null), words);
    assert.ok(withLink("word ".repeat(100), null).length <= 306);
  });

  it("name what is not all right, and never say that everything is kept when it is not", () => {
    assert.equal(
      completeInWords("EOS", "214 photos, 1 video", none, []),
      "EOS: 214 photos, 1 video, every file of the card is kept.",
    );
    const troubles = ["A.JPG", "B.JPG", "C.JPG"].map((name) => ({ name, reason: "x" }));
    assert.equal(
      completeInWords("EOS", "1 photo", { failed: 2, damaged: 1 }, troubles),
      "EOS: 1 photo, 2 not kept, 1 kept but not shown: A.JPG, B.JPG and 1 more.",
    );
    assert.doesNotMatch(completeInWords("EOS", "1 photo", none, troubles.slice(0, 1)), /every file/);
  });
});
