import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { displayPath, pathKey, safePath, withSuffix } from "../../src/domain/card-path.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** What a filesystem can hold in a name: any byte but NUL and the slash. */
const name = fc
  .uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 255 })
  .map((raw) => raw.map((b) => (b === 0x2f ? 0x30 : b)));
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map(
    (names) =>
      new Uint8Array(Buffer.concat(names.flatMap((n, i) => (i === 0 ? [n] : [Buffer.from("/"), n])))),
  );

describe("a path from a card", () => {
  it("keeps an ordinary name as it is", () => {
    for (const plain of [
      "DCIM/100CANON/IMG_0001.JPG",
      "DCIM/été/写真 1.jpg",
      "a b/-rf.jpg",
      ".hidden/'quoted'.JPG",
    ])
      assert.equal(safePath(bytes(plain)), plain);
  });

  it("never leaves the folder it is joined to, whatever the card says", () => {
    fc.assert(
      fc.property(path, (raw) => {
        for (const part of safePath(raw).split("/")) {
          assert.ok(part !== "" && part !== "." && part !== "..", part);
          assert.ok(!part.includes("\\") && Buffer.byteLength(part) <= 255, part);
          assert.doesNotMatch(part, /\p{Cc}/u);
        }
      }),
    );
    for (const hostile of [
      "../../etc/passwd",
      "..",
      ".",
      "a//b",
      "/etc/shadow",
      "..\\..\\x.jpg",
      "x\n.jpg",
      "\u202egpj.exe",
    ])
      assert.ok(
        !safePath(bytes(hostile))
          .split("/")
          .some((part) => part === ".." || part === "." || part === ""),
        hostile,
      );
  });

  it("leaves room for where the library lies, however deep the card is", () => {
    const folders = (letter: string) => Array.from({ length: 14 }, () => letter.repeat(255)).join("/");
    const [d, e] = ["d", "e"].map((letter) => safePath(bytes(`${folders(letter)}/IMG_1.JPG`)));
    assert.match(d ?? "", /^deep~[0-9a-f]{8}\/IMG_1\.JPG$/);
    assert.notEqual(d, e);
    const long = `${"a/".repeat(1000)}b`;
    assert.equal(safePath(bytes(long)), long);
  });

  it("never makes one name of two", () => {
    fc.assert(
      fc.property(name, name, (a, b) => pathKey(a) === pathKey(b) || safePath(a) !== safePath(b)),
      { numRuns: 500 },
    );
    const twins = ["a\u202e.jpg", "a\u202d.jpg", "a_.jpg", "a\n.jpg"].map((twin) => safePath(bytes(twin)));
    assert.equal(new Set(twins).size, twins.length);
  });

  it("keeps NFC and NFD twins, and names of different case, apart", () => {
    assert.notEqual(safePath(bytes("\u00e9.jpg")), safePath(bytes("e\u0301.jpg")));
    assert.notEqual(safePath(bytes("img.jpg")), safePath(bytes("IMG.JPG")));
  });

  it("cuts a name that exFAT can hold and ext4 cannot, keeping its extension", () => {
    const long = safePath(bytes(`${"é".repeat(251)}.JPG`));
    assert.ok(Buffer.byteLength(long) <= 255);
    assert.match(long, /^é+~[0-9a-f]{8}\.JPG$/);
  });

  it("is shown without anything that moves a cursor or turns text around", () => {
    assert.equal(displayPath(new Uint8Array([0x41, 0xe9, 0x1b, 0x5b, 0x32, 0x4a])), "A\ufffd\ufffd[2J");
    assert.equal(displayPath(bytes("\u202egpj.exe")), "\ufffdgpj.exe");
  });

  it("gets a suffix in front of its extension", () => {
    assert.equal(withSuffix("IMG_1.JPG", "89abcdef"), "IMG_1~89abcdef.JPG");
    assert.equal(withSuffix(".nomedia", "89abcdef"), ".nomedia~89abcdef");
    assert.equal(withSuffix("README", "89abcdef"), "README~89abcdef");
  });
});
