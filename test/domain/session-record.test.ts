import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { originalPath, RECORDS, sessionFolder } from "../../src/domain/layout.ts";
import type { Session, SessionId } from "../../src/domain/session.ts";
import type { RecordedFile, UnwrittenRecord } from "../../src/domain/session-record.ts";
import { parseSessionRecord, writeSessionRecord } from "../../src/domain/session-record.ts";

const session: Session = {
  id: 12 as SessionId,
  name: "0012-beef",
  slug: "abcdefghijklmnopqrstuv",
  volume: "v 1" as VolumeId,
  label: "Zoë's „card“\n",
  day: "2026-06-01",
  isOffloaded: true,
  sharing: null,
};
const hash = contentHash(createHash("sha256").update("x").digest("hex"));
const media = { kind: "picture", contentType: "image/jpeg" } as const;
const plain: RecordedFile = {
  path: new TextEncoder().encode("DCIM/A.JPG"),
  sizeBytes: 3,
  modifiedMs: 1_780_000_000_000,
  fate: { to: "kept", hash, headHash: hash, original: { path: `${sessionFolder(session)}/A.JPG`, media } },
};

const textOf = (record: UnwrittenRecord) => [...writeSessionRecord(record)].join("");

describe("a session's record", () => {
  it("gives back every name a card can have, byte for byte, and every fate", () => {
    const fate = fc.constantFrom<RecordedFile["fate"][]>(
      plain.fate,
      { to: "kept", hash, headHash: null, original: null },
      { to: "duplicate", hash, headHash: hash },
      { to: "failed", code: "file-refused", reason: "It is a\nfolder." },
    );
    const path = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.string({ minLength: 1, unit: "binary" }).map((text) => new TextEncoder().encode(text)),
      fc.constant(new Uint8Array([0xef, 0xbb, 0xbf, 0x41])),
    );
    const sharing = fc.option(fc.constant({ gallery: "Zoë & „Ben“", station: "pi-4-3f2a" }));
    const file = fc.record({ path, sizeBytes: fc.nat(), modifiedMs: fc.integer(), fate });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 5 }), sharing, (files, shared) => {
        const whole = { ...session, sharing: shared };
        const read = parseSessionRecord(textOf({ session: whole, files }));
        assert.deepEqual(read?.session, whole);
        assert.deepEqual(
          read.files.map((one) => ({ ...one, path: [...one.path] })),
          files.map((one) => ({ ...one, path: [...one.path] })),
        );
      }),
    );
  });

  it("has one line for each file, so that people can compare two", () => {
    const text = textOf({ session, files: [plain, plain] });
    assert.equal(text.split("\n").filter((line) => line.includes("DCIM/A.JPG")).length, 2);
  });

  it("is not believed when it is cut off anywhere", () => {
    const text = textOf({ session, files: [plain] });
    for (let length = 0; length < text.trimEnd().length; length++)
      assert.equal(parseSessionRecord(text.slice(0, length)), null);
  });

  for (const [what, from, to] of [
    ["a path out of the library", "originals/2026/", "originals/../"],
    ["a path from the root", '"originals/', '"/originals/'],
    ["a hash that is none", hash, "zz"],
    ["a negative size", '"sizeBytes":3', '"sizeBytes":-3'],
    ["an unknown fate", '"to":"kept"', '"to":"lent"'],
    ["a newer format", '"format": 1', '"format": 2'],
    ["a name that is a path", '"name": "0012-beef"', '"name": "../0012-beef"'],
  ] as const)
    it(`is not believed with ${what}`, () => {
      const text = textOf({ session, files: [plain] });
      assert.ok(text.includes(from));
      assert.notEqual(parseSessionRecord(text), null);
      assert.equal(parseSessionRecord(text.replaceAll(from, to)), null);
    });
});

describe("the layout of the library", () => {
  it("never gives an original the name of a record we write ourselves", () => {
    for (const name of Object.values(RECORDS))
      for (const onCard of [name, name.toUpperCase(), `${name}/IMG_0001.JPG`]) {
        const path = originalPath(session, new TextEncoder().encode(onCard));
        const [first = ""] = path.slice(sessionFolder(session).length + 1).split("/");
        assert.notEqual(first.toLowerCase(), name.toLowerCase(), path);
      }
    const below = new TextEncoder().encode("DCIM/session.json");
    assert.equal(originalPath(session, below), `${sessionFolder(session)}/DCIM/session.json`);
  });
});
