import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openCards } from "../../src/card/inventory.ts";
import takeInventory from "../../src/card/inventory-task.ts";
import { unpackInventory } from "../../src/card/packed-inventory.ts";
import { walk } from "../../src/card/walk.ts";
import type { Inventory, VolumeId } from "../../src/domain/card.ts";
import { lacksRoot } from "../support/needs.ts";

const SOURCE = fileURLToPath(new URL("../../src/card/inventory-task.ts", import.meta.url));
const PACKED = fileURLToPath(new URL("../../src/card/packed-inventory.ts", import.meta.url));
/** As it comes out of the process that lists. */
function listed(root: string) {
  const packed = structuredClone(takeInventory({ root, before: null }));
  assert.ok(packed);
  return unpackInventory(packed);
}

describe("inventory", () => {
  let card: string;
  beforeEach(async () => {
    card = await mkdtemp(join(tmpdir(), "ghostroll-card-"));
  });
  afterEach(async () => rm(card, { recursive: true, force: true }));

  it("lists every file by its bytes, size and time, whatever its name", async () => {
    const names = [
      Buffer.from("new\nline.JPG"),
      Buffer.from([0xff, 0xfe, 0x80, 0x2e, 0x4a]),
      Buffer.from("\u202Egpj.exe"),
      Buffer.from("x".repeat(255)),
      Buffer.from("MVI_0001"),
    ];
    for (const name of names) await put(Buffer.concat([Buffer.from("DCIM/100CANON/"), name]), "12345");
    const { files, refused } = listed(card);
    const expected = names.map((name) =>
      Buffer.concat([Buffer.from("DCIM/100CANON/"), name]).toString("hex"),
    );
    assert.deepEqual(files.map(({ path }) => Buffer.from(path).toString("hex")).sort(), expected.sort());
    assert.ok(
      files.every(({ sizeBytes, modifiedMs }) => sizeBytes === 5 && modifiedMs === 1_600_000_000_000),
    );
    assert.deepEqual(refused, []);
  });

  it("takes everything but the litter of operating systems", async () => {
    const kept = [
      "DCIM/IMG_1.JPG",
      "LOST.DIR/12345",
      "PRIVATE/M4ROOT/C0001.XML",
      "notes.txt",
      ".hidden",
      "FOUND.000/FILE0000.CHK",
    ];
    const litter = [
      "DCIM/._IMG_1.JPG",
      "DCIM/.DS_Store",
      "DCIM/Thumbs.db",
      "THUMBS.DB",
      "desktop.ini",
      ".Trashes/501/IMG_0.JPG",
      ".Spotlight-V100/store",
      ".fseventsd/0001",
      "System Volume Information/WPSettings.dat",
      "$RECYCLE.BIN/x",
    ];
    for (const path of [...kept, ...litter]) await put(path, "x");
    const { files, refused } = listed(card);
    assert.deepEqual(files.map(({ path }) => Buffer.from(path).toString()).sort(), kept.sort());
    assert.deepEqual(refused, []);
  });

  it("names what is not a file with the reason, and follows no link", async () => {
    await put("DCIM/IMG_1.JPG", "x");
    await symlink(card, join(card, "DCIM", "loop"));
    await symlink("/etc/hostname", join(card, "leak.txt"));
    execFileSync("mkfifo", [join(card, "DCIM", "fifo")]);
    const { files, refused } = listed(card);
    assert.equal(files.length, 1);
    const reasons = Object.fromEntries(
      refused.map(({ path, reason }) => [Buffer.from(path).toString(), reason]),
    );
    assert.deepEqual(reasons, {
      "leak.txt": "a symbolic link, not a file",
      "DCIM/loop": "a symbolic link, not a file",
      "DCIM/fifo": "a device, socket or pipe, not a file",
    });
  });

  it("names folders it does not look into: too deep, too many, unreadable or of another filesystem", async () => {
    await put("a/b/c/deep.jpg", "x");
    for (let number = 0; number < 5; number++) await put(`a/${number}.jpg`, "x");
    const deep = walk(card, { maxDepth: 2, maxEntries: 1000 });
    assert.deepEqual(deep.refused.map(shown), ["a/b/c: not looked into: more than 2 folders deep"]);
    assert.equal(deep.files.length, 5);
    const many = walk(card, { maxDepth: 16, maxEntries: 6 });
    assert.deepEqual(many.refused.map(shown), ["a/b: not looked into: the card has more than 6 entries"]);
    assert.equal(many.files.length, 5);
  });

  it("names a subfolder that may not be read, and lists the rest", async () => {
    await put("DCIM/101/a.jpg", "x");
    await put("DCIM/102/b.jpg", "x");
    await chmod(join(card, "DCIM/102"), 0o000);
    await chmod(card, 0o755);
    const { files, refused } = asNobody(card);
    assert.deepEqual(files, ["DCIM/101/a.jpg"]);
    assert.deepEqual(refused, ["DCIM/102: the folder could not be read (EACCES)"]);
    await chmod(join(card, "DCIM/102"), 0o755);
  });

  it("does not enter a filesystem that is mounted inside", {
    skip: lacksRoot(),
  }, async () => {
    await put("DCIM/a.jpg", "x");
    const inner = join(card, "inner");
    await mkdir(inner);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", inner]);
    try {
      await put("inner/b.jpg", "x");
      const { files, refused } = listed(card);
      assert.equal(files.length, 1);
      assert.deepEqual(refused.map(shown), ["inner: another filesystem is mounted there"]);
    } finally {
      execFileSync("umount", [inner]);
    }
  });

  it("is told to be the one that is known, until anything about it changes", async () => {
    await put("DCIM/a.jpg", "x");
    await put("DCIM/b.jpg", "y");
    const cards = openCards({ list: { run: async (request) => takeInventory(request) } });
    const volume = { id: "v" as VolumeId, root: card, label: "" };
    const list = (before?: Inventory) => cards.list(volume, new AbortController().signal, before);
    const changes: (() => Promise<unknown>)[] = [
      () => put("DCIM/a.jpg", "z", 1_600_000_002),
      () => put("DCIM/a.jpg", "longer", 1_600_000_002),
      () => put("DCIM/c.jpg", "x"),
      () => rename(join(card, "DCIM/c.jpg"), join(card, "DCIM/d.jpg")),
      () => rm(join(card, "DCIM/d.jpg")),
      () => symlink("nowhere", join(card, "DCIM/link")),
    ];
    let before = await list();
    for (const change of changes) {
      assert.equal(await list(before), before);
      await change();
      const after = await list(before);
      assert.notEqual(after.digest, before.digest);
      before = after;
    }
    assert.equal(before.files.length, 2);
  });

  it("orders by time, within one time by DCF number, then by bytes", async () => {
    const inOrder: [string, number][] = [
      ["DCIM/102CANON/IMG_0001.JPG", 1_600_000_000],
      ["DCIM/100CANON/IMG_9999.JPG", 1_600_000_002],
      ["DCIM/101CANON/IMG_0001.CR2", 1_600_000_002],
      ["DCIM/101CANON/IMG_0001.JPG", 1_600_000_002],
      ["DCIM/101CANON/_DSC0002.JPG", 1_600_000_002],
      ["A.TXT", 1_600_000_002],
      ["PRIVATE/M4ROOT/CLIP/C0001.MP4", 1_600_000_002],
      ["DCIM/100CANON/IMG_0001.JPG", 1_600_000_004],
    ];
    for (const [path, seconds] of inOrder.toReversed()) await put(path, "x", seconds);
    const { files } = listed(card);
    assert.deepEqual(
      files.map(({ path }) => Buffer.from(path).toString()),
      inOrder.map(([path]) => path),
    );
  });

  it("says what is wrong with a root that is not there, is a file, or may not be read", async () => {
    await put("file.jpg", "x");
    const cards = openCards({ list: { run: async (request) => takeInventory(request) } });
    const list = (root: string) =>
      cards.list({ id: "v" as VolumeId, root, label: "" }, new AbortController().signal);
    await assert.rejects(list(join(card, "none")), {
      code: "card-missing",
      message: `There is no folder ${card}/none.`,
    });
    await assert.rejects(list(join(card, "file.jpg")), {
      code: "card-missing",
      message: /file\.jpg is a file; give the folder/,
    });
    await assert.rejects(list(join(card, "file.jpg/x")), {
      code: "card-missing",
      message: /lies in one; give the folder/,
    });
    await chmod(card, 0o000);
    const { failure } = asNobody(card);
    assert.deepEqual(failure, [
      "card-forbidden",
      `The folder ${card} may not be read by the user nobody (uid 65534).`,
    ]);
    await chmod(card, 0o755);
  });

  async function put(path: string | Buffer, content: string, seconds = 1_600_000_000): Promise<void> {
    const full = Buffer.concat([Buffer.from(`${card}/`), Buffer.from(path)]);
    await mkdir(dirname(join(card, path.toString("latin1"))), { recursive: true });
    await writeFile(full, content);
    await utimes(full, seconds, seconds);
  }
});

function shown({ path, reason }: { path: Uint8Array; reason: string }): string {
  return `${Buffer.from(path).toString()}: ${reason}`;
}

/** The inventory as a user who is not root takes it: permissions do not exist for root. */
function asNobody(root: string): { files?: string[]; refused?: string[]; failure?: string[] } {
  const script = `
    const { default: take } = await import(${JSON.stringify(SOURCE)});
    if (process.getuid() === 0) process.setuid(65534);
    const text = (path) => Buffer.from(path).toString();
    let said;
    try {
      const { unpackInventory } = await import(${JSON.stringify(PACKED)});
      const { files, refused } = unpackInventory(take({ root: ${JSON.stringify(root)}, before: null }));
      said = { files: files.map((file) => text(file.path)), refused: refused.map((e) => text(e.path) + ": " + e.reason) };
    } catch (error) {
      said = { failure: [error.code, error.message] };
    }
    process.stdout.write(JSON.stringify(said));`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  return JSON.parse(said) as { files?: string[]; refused?: string[]; failure?: string[] };
}
