import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ContentHash } from "../../src/domain/hash.ts";
import { contentHash } from "../../src/domain/hash.ts";
import hashOriginal from "../../src/library/hash-task.ts";
import type { SurveyedFolder } from "../../src/library/survey.ts";
import { openSurvey } from "../../src/library/survey.ts";
import copyAndProve from "../../src/library/task.ts";
import { openUpkeep } from "../../src/library/upkeep.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const hashOf = (bytes: string): ContentHash => contentHash(createHash("sha256").update(bytes).digest("hex"));
const folder = "originals/2026/2026-06-01/0001-abcd";
const bytes = "what the camera wrote".repeat(999);
const original = { path: `${folder}/DCIM/A.JPG`, hash: hashOf(bytes), sizeBytes: bytes.length };

async function library(t: TestContext) {
  const root = await tempFolder(t);
  const file = join(root, original.path);
  await mkdir(dirname(file), { recursive: true });
  await mkdir(join(root, "incoming"));
  await writeFile(file, bytes);
  const upkeep = openUpkeep({
    root,
    copy: { run: async (request) => copyAndProve(request) },
    hash: { run: async (request) => hashOriginal(request) },
  });
  const put = async (name: string, content: string) => {
    await mkdir(join(root, "second"), { recursive: true });
    await writeFile(join(root, "second", name), content);
    return join(root, "second", name);
  };
  return { root, file, upkeep, put };
}

describe("looking after originals", () => {
  it("finds one that is as it was kept, and says whether the disk itself was asked", async (t) => {
    const { file, upkeep } = await library(t);
    const found = await upkeep.readBack(original, never);
    assert.equal(found.state, "as-kept");
    const { proof } = hashOriginal({ path: file });
    assert.deepEqual(found, { state: "as-kept", proof });
  });

  it("finds one flipped bit, one byte less, and a file that is gone or no file any more", async (t) => {
    const { file, upkeep } = await library(t);
    const flipped = Buffer.from(bytes);
    flipped[12_345] = (flipped[12_345] ?? 0) ^ 1;
    await writeFile(file, flipped);
    assert.deepEqual(await upkeep.readBack(original, never), { state: "changed" });
    await truncate(file, bytes.length - 1);
    assert.deepEqual(await upkeep.readBack(original, never), { state: "changed" });
    await rename(file, `${file}.moved`);
    assert.deepEqual(await upkeep.readBack(original, never), { state: "missing" });
    await symlink(`${file}.moved`, file);
    assert.deepEqual(await upkeep.readBack(original, never), { state: "missing" });
  });

  it("says rotten only when a second look shows it too", async (t) => {
    const { root } = await library(t);
    let looks = 0;
    const upkeep = openUpkeep({
      root,
      copy: { run: () => Promise.reject(new Error("not to be used")) },
      hash: {
        run: async (request) =>
          ++looks === 1 ? { ...hashOriginal(request), hash: "0".repeat(64) } : hashOriginal(request),
      },
    });
    assert.equal((await upkeep.readBack(original, never)).state, "as-kept");
    assert.equal(looks, 2);
  });

  it("calls nothing missing when the whole library is away", async (t) => {
    const { root, upkeep } = await library(t);
    await rename(join(root, "originals"), join(root, "elsewhere"));
    await assert.rejects(upkeep.readBack(original, never), { code: "disk-unwritable", message: /mounted/ });
  });

  it("puts a proved copy in the place of a rotten original, and loses not even the rotten one", async (t) => {
    const { root, file, upkeep, put } = await library(t);
    for (const [round, second] of [
      { file: await put("copy", bytes) },
      { bytes: Buffer.from(bytes) },
    ].entries()) {
      await writeFile(file, `rotten ${round}`);
      assert.equal(await upkeep.replace(original, second, 1_700_000_000_000, never), true);
      assert.equal(await readFile(file, "utf8"), bytes);
      assert.equal((await stat(file)).mtimeMs, 1_700_000_000_000);
    }
    const aside = join(root, "rotten", dirname(original.path));
    const contents = await Promise.all(
      (await readdir(aside)).map((name) => readFile(join(aside, name), "utf8")),
    );
    assert.deepEqual(contents.toSorted(), ["rotten 0", "rotten 1"]);
    assert.deepEqual(await readdir(join(root, "incoming")), []);
  });

  it("puts back one that is missing, with its folder", async (t) => {
    const { root, file, upkeep, put } = await library(t);
    await rm(dirname(file), { recursive: true });
    assert.equal(await upkeep.replace(original, { file: await put("copy", bytes) }, null, never), true);
    assert.equal(await readFile(file, "utf8"), bytes);
    await assert.rejects(stat(join(root, "rotten")), { code: "ENOENT" });
  });

  it("changes nothing when the other copy is no better, or is gone", async (t) => {
    const { root, file, upkeep, put } = await library(t);
    await writeFile(file, "rotten");
    for (const second of [
      { file: await put("worse", "rotten too") },
      { file: join(root, "second/none") },
      { bytes: Buffer.from("x") },
    ])
      assert.equal(await upkeep.replace(original, second, null, never), false);
    assert.equal(await readFile(file, "utf8"), "rotten");
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    await assert.rejects(stat(join(root, "rotten")), { code: "ENOENT" });
  });
});

describe("a survey of the library", () => {
  it("tells sessions, their files and their records apart from what is nobody's", async (t) => {
    const { root } = await library(t);
    const at = (path: string) => join(root, path);
    await writeFile(at(`${folder}/SHA256SUMS`), "sums");
    await writeFile(at(`${folder}/session.json`), "record");
    // What a power cut leaves of a manifest that was being replaced.
    await writeFile(at(`${folder}/session.json.123e4567-e89b-12d3-a456-426614174000.tmp`), "half");
    await writeFile(at(`${folder}/DCIM/session.json`), "a file of the card");
    await writeFile(at("originals/2026/mine.jpg"), "put there by hand");
    await mkdir(at("originals/undated/undated/0002-0000"), { recursive: true });
    const survey = openSurvey(root);
    const folders: SurveyedFolder[] = [];
    for await (const found of survey.folders()) folders.push(found);
    const [first, second] = folders;
    assert.deepEqual(
      [first?.name, first?.day, first?.record, first?.sums],
      ["0001-abcd", "2026-06-01", "record", "sums"],
    );
    assert.deepEqual(
      first?.files.map(({ path }) => path.slice(folder.length + 1)),
      ["DCIM/A.JPG", "DCIM/session.json"],
    );
    assert.deepEqual([second?.name, second?.day, second?.record], ["0002-0000", "undated", null]);
    assert.deepEqual(await survey.strays(), ["originals/2026/mine.jpg"]);
  });
});
