import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isKey } from "../../src/remote/object-key.ts";

describe("a key", () => {
  for (const key of [
    "g/lr2fGdyr5mRyWbmSRceVHg/m/0.json",
    "-",
    "a..b/.c",
    "ü/*",
    "s".repeat(200),
    `${"k/".repeat(449)}k`,
  ])
    it(`can be ${key.slice(0, 40)}`, () => assert.equal(isKey(key), true));

  for (const key of [
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    ".",
    "..",
    "a/./b",
    "a/../b",
    "a\n",
    "a\\b",
    "s".repeat(201),
    `${"k/".repeat(450)}k`,
  ])
    it(`cannot be ${JSON.stringify(key.slice(0, 40))}`, () => assert.equal(isKey(key), false));
});
