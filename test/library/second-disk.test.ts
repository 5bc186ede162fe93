import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { areOnOtherDisks } from "../../src/card/disks.ts";
import { contentHash } from "../../src/domain/hash.ts";
import hashOriginal from "../../src/library/hash-task.ts";
import { openSecondDisk } from "../../src/library/second-disk.ts";
import copyToSecond from "../../src/library/second-task.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import { withMount } from "./mount.ts";

const never = new AbortController().signal;
const PATH = "originals/2026/2026-05-01/0001-abcd/DCIM/100CANON/IMG_0001.JPG";
const MARK = ".ghostroll-second";

async function places(t: TestContext) {
  const folder = await tempFolder(t);
  const [root, second] = [join(folder, "library"), join(folder, "second")];
  await Promise.all([mkdir(root), mkdir(second)]);
  const keep = async (content: string, path = PATH) => {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), content);
    await utimes(join(root, path), 1_600_000_002, 1_600_000_002);
    const hash = contentHash(createHash("sha256").update(content).digest("hex"));
    return { hash, path, sizeBytes: Buffer.byteLength(content) };
  };
  return { root, second, keep, disk: openOn(root, second) };
}

function openOn(root: string, folder: string, reserveBytes = 0) {
  return openSecondDisk({
    folder,
    root,
    reserveBytes,
    copy: { run: async (request) => copyToSecond(request) },
    hash: { run: async (request) => hashOriginal(request) },
    areOnOtherDisks,
  });
}

describe("the second disk", () => {
  it("gets an original under the same path, with its time, and is left alone when it has it already", async (t) => {
    const { second, keep, disk } = await places(t);
    const original = await keep("one");
    await disk.identify(null);
    assert.equal(await disk.keep(original, never), PATH);
    await disk.sync([PATH]);
    const before = await stat(join(second, PATH));
    assert.equal(before.mtimeMs, 1_600_000_002_000);
    assert.equal(await readFile(join(second, PATH), "utf8"), "one");
    assert.equal(await disk.keep(original, never), PATH);
    assert.equal((await stat(join(second, PATH))).ino, before.ino);
    assert.deepEqual(await readdir(join(second, "incoming")), []);
    assert.ok(await disk.holds(PATH, 3));
    assert.ok(!(await disk.holds(PATH, 4)));
  });

  it("never overwrites what has that name there, be it of the same size", async (t) => {
    const { second, keep, disk } = await places(t);
    const original = await keep("one");
    await disk.identify(null);
    await mkdir(join(second, PATH, ".."), { recursive: true });
    await writeFile(join(second, PATH), "TWO");
    const path = await disk.keep(original, never);
    assert.equal(path, PATH.replace(".JPG", `~${original.hash.slice(0, 8)}.JPG`));
    assert.equal(await readFile(join(second, PATH), "utf8"), "TWO");
    assert.equal(await readFile(join(second, path), "utf8"), "one");
  });

  it("never gets a copy of an original that is no longer what was kept, and names it", async (t) => {
    const { root, second, keep, disk } = await places(t);
    await disk.identify(null);
    const original = await keep("one");
    const spoil = [
      () => writeFile(join(root, PATH), "0ne"),
      () => appendFile(join(root, PATH), "!"),
      () => rm(join(root, PATH)),
    ];
    for (const act of spoil) {
      await act();
      await assert.rejects(disk.keep(original, never), {
        code: "original-damaged",
        message: /IMG_0001\.JPG/,
      });
      assert.ok(!existsSync(join(second, PATH)));
      assert.deepEqual(await readdir(join(second, "incoming")), []);
    }
  });

  it("is missing when its folder is, and is not made by us", async (t) => {
    const { second, disk } = await places(t);
    await rm(second, { recursive: true });
    await assert.rejects(disk.identify(null), { code: "second-missing", message: /There is no folder/ });
    assert.ok(!existsSync(second));
  });

  it("is missing when the folder is there without its mark: an empty mount point, or another disk", async (t) => {
    const { second, disk } = await places(t);
    const { id } = await disk.identify(null);
    assert.equal((await disk.identify(id)).id, id);
    await rm(join(second, MARK));
    await assert.rejects(disk.identify(id), {
      code: "second-missing",
      message: /not the disk.*GHOSTROLL_SECOND_DIR/,
    });
    assert.ok(!existsSync(join(second, MARK)));
  });

  it("does not begin in a folder whose `incoming` is somebody else's", async (t) => {
    const { second, disk } = await places(t);
    await mkdir(join(second, "incoming"));
    await writeFile(join(second, "incoming/thesis.doc"), "years");
    await assert.rejects(disk.identify(null), { code: "second-unwritable", message: /name another one/ });
    assert.ok(existsSync(join(second, "incoming/thesis.doc")));
  });

  it("keeps the space free that is never to be used", async (t) => {
    const { root, second, keep } = await places(t);
    const disk = openOn(root, second, 1e15);
    await disk.identify(null);
    await assert.rejects(disk.keep(await keep("one"), never), { code: "second-full" });
  });

  it("counts only when it is another disk than the library's, and one that is read back itself", {
    skip: lacks("mkfs.ext4") || lacksRoot(),
  }, async (t) => {
    const { root, keep, disk } = await places(t);
    await keep("one");
    assert.equal((await disk.identify(null)).counts, false);
    const { disk: other } = await loopDisk(t, 16 * 1024 * 1024);
    assert.equal((await openOn(root, other).identify(null)).counts, true);
    await withMount("mount", ["-t", "tmpfs", "ghostroll-test"], async (mount) => {
      assert.equal((await openOn(root, mount).identify(null)).counts, false);
    });
  });

  it("that is full says so, and holds no half file", {
    skip: lacksRoot(),
  }, async (t) => {
    const { root, keep } = await places(t);
    const original = await keep("x".repeat(3_000_000));
    await withMount("mount", ["-t", "tmpfs", "-o", "size=2m", "ghostroll-test"], async (mount) => {
      const disk = openOn(root, mount);
      await disk.identify(null);
      await assert.rejects(disk.keep(original, never), { code: "second-full" });
      assert.ok(!existsSync(join(mount, PATH)));
      assert.deepEqual(await readdir(join(mount, "incoming")), []);
    });
  });
});
