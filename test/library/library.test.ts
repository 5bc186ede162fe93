import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { CardFile, Volume, VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { originalPath } from "../../src/domain/layout.ts";
import hashOriginal from "../../src/library/hash-task.ts";
import headHashes from "../../src/library/head-task.ts";
import type { Library } from "../../src/library/library.ts";
import { openLibrary } from "../../src/library/library.ts";
import readAgain from "../../src/library/reread-task.ts";
import copyAndProve from "../../src/library/task.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { withMount } from "./mount.ts";

const session = { day: "2026-05-01", name: "0001-abcd" };
const path = originalPath(session, Buffer.from("DCIM/100CANON/IMG_0001.JPG"));
const never = new AbortController().signal;

describe("library", () => {
  let folder: string;
  let root: string;
  let volume: Volume;
  let library: Library;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-library-"));
    volume = { id: "v" as VolumeId, root: join(folder, "card"), label: "CARD" };
    await mkdir(volume.root);
  });
  after(() => rm(folder, { recursive: true, force: true }));
  let count = 0;
  beforeEach(async () => {
    root = join(folder, `library-${++count}`);
    library = open(root);
    await library.sweep();
  });

  it("copies a card file into incoming and gives it its final name", async () => {
    const copy = await library.copy(volume, await cardFile("one"), never);
    assert.match(copy.part, /\/incoming\/[0-9a-f-]+\.part$/);
    assert.equal(await library.place(copy, path), path);
    await library.sync([path]);
    assert.equal(await readFile(join(root, path), "utf8"), "one");
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    assert.ok(await library.holds(path, 3));
    assert.ok(!(await library.holds(path, 4)));
    assert.ok(!(await library.holds("originals/2026/none.jpg", 3)));
    assert.deepEqual(await library.headHashes(volume, [await cardFile("one")], never), [copy.headHash]);
  });

  it("adopts an equal file that an interrupted run placed", async () => {
    await keep("same", path);
    const before = await stat(join(root, path));
    const copy = await library.copy(volume, await cardFile("same"), never);
    assert.equal(await library.place(copy, path), path);
    assert.equal((await stat(join(root, path))).ino, before.ino);
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    assert.equal((await readdir(join(root, path, ".."))).length, 1);
  });

  it("lets a different file keep its name, be it of the same size, and gives the new one a suffix", async () => {
    await keep("AAAA", path);
    for (const content of ["BBBB", "longer"]) {
      const copy = await library.copy(volume, await cardFile(content), never);
      const expected = path.replace(".JPG", `~${copy.hash.slice(0, 8)}.JPG`);
      assert.equal(await library.place(copy, path), expected);
      assert.equal(await readFile(join(root, expected), "utf8"), content);
      const again = await library.copy(volume, await cardFile(content), never);
      assert.equal(await library.place(again, path), expected, "twice changes nothing");
    }
    assert.equal(await readFile(join(root, path), "utf8"), "AAAA");
  });

  it("never overwrites what is not a file, and never follows a link out of the library", async () => {
    const victim = join(folder, "victim");
    await writeFile(victim, "gone?");
    await mkdir(join(root, path, ".."), { recursive: true });
    await symlink(victim, join(root, path));
    const kept = await keep("new!!", path);
    assert.notEqual(kept, path);
    assert.equal(await readFile(victim, "utf8"), "gone?");
  });

  it("keeps files apart whose names are hostile, all below the session's folder", async () => {
    const names = [
      "../../../etc/passwd",
      "..",
      "a\u202Egpj.exe",
      "new\nline.JPG",
      "\xff\xfe",
      `${"x".repeat(255)}`,
    ];
    const raw = names.map((name) => Buffer.from(name, name === "\xff\xfe" ? "latin1" : "utf8"));
    const places = [];
    for (const [index, name] of raw.entries())
      places.push(await keep(`content ${index}`, originalPath(session, name)));
    assert.equal(new Set(places).size, raw.length);
    for (const [index, place] of places.entries()) {
      assert.ok(place.startsWith("originals/2026/2026-05-01/0001-abcd/"));
      assert.equal(await readFile(join(root, place), "utf8"), `content ${index}`);
    }
  });

  it("takes a path that leads out of originals for the bug it is", async () => {
    const copy = await library.copy(volume, await cardFile("x"), never);
    await assert.rejects(library.place(copy, "originals/../../outside"), /not below originals/);
    await assert.rejects(library.place(copy, "incoming/x"), /not below originals/);
    assert.ok(existsSync(copy.part));
  });

  it("keeps without overwriting where the filesystem has no hard links", { skip: noFat() }, async () => {
    const image = join(folder, "exfat.img");
    await writeFile(image, Buffer.alloc(8 * 1024 * 1024));
    execFileSync("mkfs.exfat", [image], { stdio: "ignore" });
    const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    // A loop device stays read-only once a card was mounted from it (`systemd/mount-card`).
    execFileSync("blockdev", ["--setrw", device]);
    try {
      await withMount("mount.exfat-fuse", [device], async (mount) => {
        library = open(mount);
        root = mount;
        await library.sweep();
        assert.equal(await keep("first", path), path);
        assert.notEqual(await keep("other", path), path);
        assert.equal(await keep("first", path), path);
        assert.equal(await readFile(join(root, path), "utf8"), "first");
      });
    } finally {
      execFileSync("losetup", ["-d", device]);
    }
  });

  it("sweeps incoming and nothing else", async () => {
    await keep("kept", path);
    await writeFile(join(root, "incoming", "half.part"), "half");
    await library.sweep();
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    assert.equal(await readFile(join(root, path), "utf8"), "kept");
  });

  it("does not sweep through a link", async () => {
    await keep("kept", path);
    await rm(join(root, "incoming"), { recursive: true });
    await symlink(join(root, path, ".."), join(root, "incoming"));
    await assert.rejects(library.sweep(), { code: "disk-unwritable" });
    assert.equal(await readFile(join(root, path), "utf8"), "kept");
  });

  it("discards a copy that is not needed", async () => {
    const copy = await library.copy(volume, await cardFile("double"), never);
    await library.discard(copy);
    assert.deepEqual(await readdir(join(root, "incoming")), []);
  });

  it("removes what a killed copy left", async () => {
    let left = "";
    const killed = openLibrary({
      ...parts(root),
      copy: {
        run: async ({ part }) => {
          left = part;
          await writeFile(part, "half");
          throw new Error("the process was killed");
        },
      },
    });
    await assert.rejects(killed.copy(volume, await cardFile("x"), never), /was killed/);
    assert.ok(left !== "" && !existsSync(left));
  });

  it("removes at the next copy what somebody went on with who was told to stop", async () => {
    const stop = new AbortController();
    let left = "";
    const late = openLibrary({
      ...parts(root),
      copy: {
        run: async (request) => {
          if (left !== "") return copyAndProve(request);
          left = request.part;
          stop.abort(new Error("the card is gone"));
          throw stop.signal.reason;
        },
      },
    });
    await assert.rejects(late.copy(volume, await cardFile("x"), stop.signal), /card is gone/);
    await writeFile(left, "whole, and nobody waits for it");
    const { part } = await late.copy(volume, await cardFile("x"), never);
    assert.deepEqual(await readdir(join(root, "incoming")), [basename(part)]);
  });

  it("writes a manifest that sha256sum accepts", async () => {
    const odd = originalPath(session, Buffer.from("DCIM/back\\slash.JPG"));
    const lines = [];
    for (const [content, at] of [
      ["one", path],
      ["two", odd],
    ] as const) {
      const kept = await keep(content, at);
      const hash = contentHash(createHash("sha256").update(content).digest("hex"));
      lines.push({ hash, path: kept.replace("originals/2026/2026-05-01/0001-abcd/", "") });
    }
    await library.writeManifest("originals/2026/2026-05-01/0001-abcd", lines);
    const cwd = join(root, "originals/2026/2026-05-01/0001-abcd");
    const said = execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd, encoding: "utf8" });
    assert.equal(said.match(/: OK$/gm)?.length, 2);
  });

  it("knows how much room there is, and names the disk's troubles", {
    skip: lacksRoot(),
  }, async () => {
    await withMount("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs"], async (mount) => {
      library = open(mount);
      root = mount;
      await library.sweep();
      const free = await library.freeBytes();
      assert.ok(free > 900_000 && free <= 1024 * 1024, `${free}`);
      await keep("kept", path);
      const lines = Array.from({ length: 20_000 }, (_, number) => ({
        hash: contentHash("0".repeat(64)),
        path: `IMG_${number}.JPG`,
      }));
      const folderOfSession = "originals/2026/2026-05-01/0001-abcd";
      await assert.rejects(library.writeManifest(folderOfSession, lines), { code: "disk-full" });
      execFileSync("mount", ["-o", "remount,ro", mount]);
      await assert.rejects(
        library.place(
          { hash: contentHash("0".repeat(64)), sizeBytes: 1, part: join(mount, "incoming/x") },
          path.replace("IMG", "NEW"),
        ),
        {
          code: "disk-unwritable",
          message: /NEW_0001\.JPG/,
        },
      );
    });
  });

  async function cardFile(content: string): Promise<CardFile> {
    const name = "IMG_0001.JPG";
    await writeFile(join(volume.root, name), content);
    const { size, mtimeMs } = await stat(join(volume.root, name));
    return { path: Buffer.from(name), sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
  }

  async function keep(content: string, at: string): Promise<string> {
    const copy = await library.copy(volume, await cardFile(content), never);
    const kept = await library.place(copy, at);
    await library.sync([kept]);
    return kept;
  }
});

function parts(root: string) {
  return {
    root,
    copy: { run: async (request: Parameters<typeof copyAndProve>[0]) => copyAndProve(request) },
    heads: { run: async (request: Parameters<typeof headHashes>[0]) => headHashes(request) },
    reread: { run: async (request: Parameters<typeof readAgain>[0]) => readAgain(request) },
    hash: { run: async (request: Parameters<typeof hashOriginal>[0]) => hashOriginal(request) },
  };
}

function open(root: string): Library {
  return openLibrary(parts(root));
}

function noFat(): string | false {
  return lacksRoot() || lacks("mkfs.exfat", "mount.exfat-fuse");
}
