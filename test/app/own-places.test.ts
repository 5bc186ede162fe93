import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LIBRARY_FOLDERS } from "../../src/app/own-places.ts";
import { picture, pictureCard } from "../support/card.ts";
import { daemon, logOf, times, until } from "../support/daemon.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const needsMount = lacks("mkfs.ext4") || lacksRoot();
/** Twice as long as it takes until a card that is there at the start is announced. */
const ENOUGH_MS = 3_000;
const DISK_BYTES = 64 * 2 ** 20;
const pictures = async (from: number) => ({
  "DCIM/100CANON/IMG_0001.JPG": await picture(from),
  "DCIM/100CANON/IMG_0002.JPG": await picture(from + 1),
});

/** Starts the daemon so many times, and tells which cards it saw in all. */
async function seenIn(
  starts: number,
  { launch, stop }: Awaited<ReturnType<typeof daemon>>,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let left = starts; left > 0; left--) {
    const run = launch();
    await until(run, (log) => times(log, "waiting for cards") === 1);
    await delay(ENOUGH_MS);
    await stop(run);
    seen.push(...logOf(run).flatMap(({ msg, card }) => (msg === "card inserted" ? [card] : [])));
  }
  return seen;
}

describe("what we write to is no card", () => {
  it("a folder with the library in it, however often the daemon starts", { timeout: 60_000 }, async (t) => {
    const { media } = await daemon(t);
    const disk = await pictureCard(join(media, "DISK"), 3);
    const own = await daemon(t, { MOUNT_ROOTS: media, BASE_DIR: join(disk, "ghostroll") });
    assert.deepEqual(await seenIn(3, own), []);
  });

  it("a disk with the library and pictures at its top, nor the same disk mounted a second time; a card beside it is one", {
    skip: needsMount,
    timeout: 120_000,
  }, async (t) => {
    const disk = await loopCard(t, await pictures(10), { label: "DISK", sizeBytes: DISK_BYTES });
    const card = await loopCard(t, await pictures(20), { label: "EOS" });
    const { media } = await daemon(t);
    await disk.insert(join(media, "DISK"), "rw");
    await disk.insert(join(media, "AGAIN"), "rw");
    const base = join(media, "DISK/ghostroll");
    const own = await daemon(t, { MOUNT_ROOTS: media, BASE_DIR: base });
    assert.deepEqual(await seenIn(1, own), []);
    await card.insert(join(media, "EOS"));
    const contents = new Set((await hashesBelow(join(media, "EOS"))).values());
    const run = own.launch();
    const log = await until(run, (lines) => times(lines, "gallery complete") === 1);
    assert.equal(times(log, "card inserted"), 1);
    await own.stop(run);
    await assertComplete(base, contents, 2);
  });

  it("the second disk, below a mount root and with pictures at its top, there at the start or later", {
    skip: needsMount,
    timeout: 120_000,
  }, async (t) => {
    const disk = await loopCard(t, await pictures(10), { label: "BACKUP", sizeBytes: DISK_BYTES });
    const { media } = await daemon(t);
    const target = join(media, "backup");
    await disk.insert(target, "rw");
    await mkdir(join(target, "ghostroll"));
    execFileSync("umount", [target]);
    const own = await daemon(t, { MOUNT_ROOTS: media, SECOND_DIR: join(target, "ghostroll") });
    const run = own.launch();
    await until(run, (log) => times(log, "waiting for cards") === 1);
    await disk.insert(target, "rw");
    await pictureCard(join(media, "EOS"), 3);
    await until(run, (log) => times(log, "gallery complete") === 1);
    await delay(ENOUGH_MS);
    await own.stop(run);
    assert.deepEqual(
      logOf(run).flatMap(({ msg, card }) => (msg === "card inserted" ? [card] : [])),
      ["EOS"],
    );
    assert.deepEqual(await seenIn(1, own), ["EOS"]);
  });
});

describe("ghostroll ingest", () => {
  const library = async (t: TestContext) => {
    const folder = await tempFolder(t);
    const [base, second] = [join(folder, "library"), join(folder, "second")];
    await mkdir(second);
    const settings = [
      "--base-dir",
      base,
      "--set",
      `SECOND_DIR=${second}`,
      "--set",
      "RESERVE_MB=0",
      "--set",
      "WEB_PORT=0",
    ];
    const ingest = async (path: string, cwd = folder) =>
      ghostroll(["ingest", path, "--no-serve", ...settings], { cwd });
    return { folder, base, second, settings, ingest };
  };

  it("refuses what holds the library or the second disk, or lies in them, also through a link", async (t) => {
    const { folder, base, second, settings, ingest } = await library(t);
    const card = await pictureCard(join(folder, "card"), 2);
    // Before there is anything of it, too.
    assert.equal((await ingest(folder)).code, 64);
    assert.equal((await ingest(card)).code, 0);
    await ghostroll(["backup", ...settings]);
    await symlink(join(base, "originals"), join(folder, "link"));
    const inside = join(base, "store");
    for (const path of [folder, base, inside, second, join(second, "originals"), join(folder, "link"), "/"]) {
      const { code, err } = await ingest(path);
      assert.equal(code, 64, path);
      assert.match(err, /GhostRoll itself writes to .* Name the folder of a card\./);
    }
    assert.equal((await ingest(".", base)).code, 64);
    const folders = (await readdir(base, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const made = folders.map(({ name }) => name);
    assert.deepEqual(
      made.filter((name) => !LIBRARY_FOLDERS.some((ours) => ours === name)),
      [],
      "every folder that is made there is known to be ours",
    );
    await assertComplete(base, new Set((await hashesBelow(card)).values()), 2);
  });

  it("takes a folder beside the library, or one that a person has made in it", async (t) => {
    const { folder, base, ingest } = await library(t);
    for (const path of [join(folder, "library-of-cards"), join(base, "from a phone")]) {
      await pictureCard(path, 2);
      const { code, err } = await ingest(path);
      assert.deepEqual([code, err.replace(/^Note: .*\n/gm, "")], [0, ""], path);
    }
  });

  it("demo refuses the folder that it would put its library into", async (t) => {
    const folder = await pictureCard(await tempFolder(t), 2);
    const { code, err } = await ghostroll(["demo", "--no-serve", "--card", "."], { cwd: folder });
    assert.equal(code, 64, err);
    assert.match(err, /writes to .*\.ghostroll\/originals/);
  });
});
