import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectory, moveWithoutOverwrite, writeDurably } from "../../src/flow/durable.ts";
import { tempFolder } from "../support/temp.ts";

describe("durable writes", () => {
  it("replace a file as a whole and leave nothing else behind", async (t) => {
    const folder = await tempFolder(t);
    const file = join(folder, "a/b/status.json");
    await writeDurably(file, "first");
    await writeDurably(file, "second");
    assert.equal(await readFile(file, "utf8"), "second");
    assert.deepEqual(await readdir(join(folder, "a/b")), ["status.json"]);
  });

  it("take a text in pieces, however small and however many", async (t) => {
    const file = join(await tempFolder(t), "lines");
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}, ümlaut\n`);
    await writeDurably(file, lines.values());
    assert.equal(await readFile(file, "utf8"), lines.join(""));
    await writeDurably(file, []);
    assert.equal(await readFile(file, "utf8"), "");
  });

  it("leave the old file and no temporary one when they cannot finish", async (t) => {
    const folder = await tempFolder(t);
    await makeDirectory(join(folder, "taken"));
    await assert.rejects(writeDurably(join(folder, "taken"), "x"));
    assert.deepEqual(await readdir(folder), ["taken"]);
  });

  it("make no folder, and end, where the system says that one is not there although it is", async () => {
    // As below an automount that failed: Node's own way with parents never ends there.
    await assert.rejects(makeDirectory("/proc/nowhere/library"), { code: "ENOENT" });
  });

  it("make a folder that somebody else makes at the same moment", async (t) => {
    const folder = join(await tempFolder(t), "a/b/c");
    await Promise.all(Array.from({ length: 20 }, () => makeDirectory(folder)));
    assert.deepEqual(await readdir(folder), []);
    await writeFile(join(folder, "file"), "");
    await assert.rejects(makeDirectory(join(folder, "file")), { code: "EEXIST" });
    await assert.rejects(makeDirectory(join(folder, "file/below")), { code: "ENOTDIR" });
  });

  it("never overwrite by a move", async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, "from"), "new");
    await writeFile(join(folder, "to"), "old");
    await assert.rejects(moveWithoutOverwrite(join(folder, "from"), join(folder, "to")), { code: "EEXIST" });
    assert.equal(await readFile(join(folder, "to"), "utf8"), "old");
    await moveWithoutOverwrite(join(folder, "from"), join(folder, "fresh"));
    assert.deepEqual((await readdir(folder)).toSorted(), ["fresh", "to"]);
  });
});
