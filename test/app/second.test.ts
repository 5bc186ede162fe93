import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Summary } from "../../src/app/summary.ts";
import { isRoot, withMount } from "../library/mount.ts";
import { makeCard, pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

/** Room for the films, and for what ext4 itself takes. */
const DISK_BYTES = 128 * 1024 * 1024;

/** Enough that copying them takes longer than ending a process. */
const FILMS = 30;

interface Places {
  readonly card: string;
  readonly base: string;
  /** A folder on another filesystem than the library's. */
  readonly second: string;
  ingest(...more: string[]): Promise<Summary & { readonly exitCode: number; readonly err: string }>;
  look(command: string): Promise<string>;
  /** Contents below the second disk, each proved to be named in the list beside it. */
  copies(): Promise<Map<string, string>>;
}

async function places(t: TestContext, pictures = 4, disk?: string): Promise<Places> {
  const folder = await tempFolder(t);
  const second = await mkdtemp(join(disk ?? (await loopDisk(t, DISK_BYTES)).disk, "ghostroll-second-"));
  const base = join(folder, "library");
  const card = await pictureCard(join(folder, "card"), pictures);
  // With an address, links do not depend on which port is free.
  const more = [`SECOND_DIR=${second}`, "RESERVE_MB=0", "WEB_URL=http://ghostroll.test"];
  const settings = ["--base-dir", base, ...more.flatMap((each) => ["--set", each])];
  return {
    card,
    base,
    second,
    async ingest(...more) {
      const ended = await ghostroll(["ingest", card, "--no-serve", "--json", ...settings, ...more]);
      assert.ok(ended.out.startsWith("{"), ended.out + ended.err);
      return { ...(JSON.parse(ended.out) as Summary & { exitCode: number }), err: ended.err };
    },
    look: async (command) => (await ghostroll([command, ...settings])).out,
    copies: () => originalsIn(second),
  };
}

async function originalsIn(root: string): Promise<Map<string, string>> {
  const found = await hashesBelow(join(root, "originals"));
  const ours = /\/(SHA256SUMS|receipt\.(json|txt)|session\.json)$/;
  return new Map(
    [...found].flatMap(([path, hash]) => (ours.test(path) ? [] : [[path.slice(root.length), hash]])),
  );
}

/** What `sha256sum -c` would say of the lists on a disk. */
async function listed(root: string): Promise<number> {
  let lines = 0;
  for (const entry of await readdir(join(root, "originals"), { recursive: true, withFileTypes: true })) {
    if (entry.name !== "SHA256SUMS") continue;
    const found = await hashesBelow(entry.parentPath);
    for (const line of (await readFile(join(entry.parentPath, entry.name), "utf8")).trim().split("\n")) {
      assert.equal(found.get(join(entry.parentPath, line.slice(66))), line.slice(0, 64), line);
      lines++;
    }
  }
  return lines;
}

describe("a folder of the library", () => {
  it("is no second copy of what is in it, whatever bucket the settings name", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 2);
    const base = join(folder, "library");
    const flags = ["S3_BUCKET=photos", "SHARE=lan", "UPLOAD_ORIGINALS=all"].flatMap((each) => [
      "--set",
      each,
    ]);
    const ingest = ["ingest", card, "--no-serve", "--json", "--base-dir", base, ...flags];
    for (const more of [[], ["--verify-source"]]) {
      const { out, err } = await ghostroll([...ingest, ...more]);
      const summary = JSON.parse(out) as Summary;
      assert.equal(summary.originals, null);
      assert.notEqual(summary.isSafeToFormat, true, summary.verdicts.join(" "));
      assert.match(err, /UPLOAD_ORIGINALS has no effect/);
    }
    assert.equal((await readdir(join(base, "store"), { recursive: true })).includes("originals"), false);
  });
});

const skip = lacks("mkfs.ext4") || lacksRoot();

describe("a second disk", { skip }, () => {
  it("gets every original under the same path, once, with a list, and a card read twice is safe to format", async (t) => {
    const { base, second, ingest, copies } = await places(t);
    const summary = await ingest("--verify-source");
    assert.equal(summary.exitCode, 0, summary.err);
    assert.deepEqual(await copies(), await originalsIn(base));
    assert.equal((await copies()).size, 4);
    assert.equal(await listed(second), 4);
    const records = async (root: string) =>
      [...(await hashesBelow(root))].flatMap(([path, hash]) =>
        path.endsWith("/session.json") ? [hash] : [],
      );
    assert.equal((await records(second)).length, 1);
    assert.deepEqual(await records(second), await records(base), "a lost catalog can be rebuilt from it");
    assert.equal(summary.isSafeToFormat, true);
    assert.match(summary.verdicts.join(" "), /Safe to format: every file is kept twice/);
    const receipt = JSON.parse(await readFile(join(base, `${summary.receipt}`, "receipt.json"), "utf8"));
    assert.equal(receipt.format.isSafe, true);
    assert.equal(receipt.files.length, 4);
    for (const file of receipt.files) {
      assert.deepEqual([file.places, file.isSameAgain], [["library", "second disk"], true]);
      assert.equal((await originalsIn(base)).get(`/${file.path}`), file.sha256);
    }
    assert.match(
      await readFile(join(base, `${summary.receipt}`, "receipt.txt"), "utf8"),
      /Safe to format[\s\S]*IMG_0001\.JPG/,
    );
    const before = await hashesBelow(second);
    const again = await ingest();
    assert.deepEqual([again.exitCode, again.isSafeToFormat], [0, null]);
    assert.deepEqual(await hashesBelow(second), before);
  });

  it("that is missing, or an empty mount point, stops neither offload nor gallery, is said, and gets everything when it is back", async (t) => {
    const { base, second, ingest, copies, look } = await places(t);
    await rename(second, `${second}-away`);
    const summary = await ingest("--verify-source");
    assert.deepEqual([summary.exitCode, summary.kept, summary.uncopied?.code], [75, 4, "second-missing"]);
    assert.equal(summary.undelivered, null);
    assert.ok(summary.link);
    assert.equal(summary.isSafeToFormat, false);
    assert.match(summary.verdicts.join(" "), /4 of 4 files without a second copy/);
    assert.ok(!existsSync(second), "it is not made by us");
    assert.match(await look("status"), /Waiting for the second disk: 4 of 4 kept files not copied there yet/);
    assert.match(await look("sessions"), /waiting for the second disk/);
    await rename(`${second}-away`, second);
    const again = await ingest("--verify-source");
    assert.deepEqual([again.exitCode, again.isSafeToFormat, again.kept], [0, true, 0]);
    assert.deepEqual(await copies(), await originalsIn(base));
    assert.doesNotMatch(await look("status"), /second disk/);
    await rename(second, `${second}-away`);
    await mkdir(second);
    assert.equal((await ingest()).uncopied?.code, "second-missing");
    assert.deepEqual(await readdir(second), [], "nothing is written to what is not the disk");
  });

  it("that is killed at work has no half file, and goes on where it was", async (t) => {
    const { base, second, card, ingest, copies } = await places(t, 1);
    const films = Array.from({ length: FILMS }, (_, n) => [
      `DCIM/MVI_${n}.MOV`,
      Buffer.alloc(2_000_000, n + 1),
    ]);
    await makeCard(card, Object.fromEntries(films) as Record<string, Buffer>);
    const run = start([
      "ingest",
      card,
      "--no-serve",
      "--base-dir",
      base,
      "--set",
      `SECOND_DIR=${second}`,
      "--set",
      "RESERVE_MB=0",
    ]);
    const names = async () =>
      (await readdir(join(second, "originals"), { recursive: true }).catch(() => [])).filter((name) =>
        name.endsWith(".MOV"),
      );
    for (let i = 0; i < 5000 && (await names()).length < 3 && run.child.exitCode === null; i++)
      await delay(2);
    run.child.kill("SIGKILL");
    await run.ended;
    const half = await copies();
    const kept = await originalsIn(base);
    assert.ok(half.size > 0 && half.size < FILMS, `${half.size} copies were there when it was killed`);
    for (const [path, hash] of half) assert.equal(kept.get(path), hash);
    const rows = new Database(join(base, "ghostroll.db"), { readonly: true });
    const claimed = rows.prepare("SELECT hash, path FROM second_copy").all() as {
      hash: string;
      path: string;
    }[];
    rows.close();
    for (const row of claimed)
      assert.equal(half.get(`/${row.path}`), row.hash, "a row says only what is there");
    assert.equal((await ingest()).exitCode, 0);
    assert.deepEqual(await copies(), await originalsIn(base));
    assert.equal(await listed(second), FILMS + 1);
  });

  it("on the library's own disk is said to protect from nothing, and does not make a card safe to format", async (t) => {
    const { base, ingest } = await places(t);
    const near = join(base, "../near");
    await mkdir(near);
    const summary = await ingest("--verify-source", "--set", `SECOND_DIR=${near}`);
    assert.match(summary.err, /on the same disk as the library: what is copied there is lost with it/);
    assert.equal((await originalsIn(near)).size, 4, "it is copied all the same");
    assert.deepEqual([summary.exitCode, summary.isSafeToFormat], [0, false]);
  });

  it("inside the library is refused before anything is read", async (t) => {
    const { card, base } = await places(t);
    const ended = await ghostroll(["ingest", card, "--base-dir", base, "--set", `SECOND_DIR=${base}/copy`]);
    assert.equal(ended.code, 78);
    assert.match(ended.err, /GHOSTROLL_SECOND_DIR is .*\/copy, which overlaps the library/);
  });

  it("that cannot be written is said, and the card is kept", async (t) => {
    const { ingest } = await places(t);
    await withMount("mount", ["-t", "tmpfs", "-o", "ro", "ghostroll-test"], async (mount) => {
      const { exitCode, kept, uncopied } = await ingest("--set", `SECOND_DIR=${mount}`);
      assert.deepEqual([exitCode, kept, uncopied?.code], [75, 4, "second-unwritable"]);
    });
  });

  it("that fills up stops neither offload nor gallery, and goes on when there is room", async (t) => {
    const { base, ingest } = await places(t, 12);
    await withMount("mount", ["-t", "tmpfs", "-o", "size=2m", "ghostroll-test"], async (mount) => {
      await writeFile(join(mount, "ballast"), Buffer.alloc(2_040_000));
      const flags = ["--set", `SECOND_DIR=${mount}`];
      const full = await ingest(...flags);
      assert.deepEqual([full.exitCode, full.kept, full.uncopied?.code], [75, 12, "second-full"]);
      assert.equal(full.undelivered, null);
      assert.ok((await originalsIn(mount)).size < 12);
      await rm(join(mount, "ballast"));
      assert.equal((await ingest(...flags)).exitCode, 0);
      assert.deepEqual(await originalsIn(mount), await originalsIn(base));
    });
  });

  it("in memory gets every original, too, and makes no card safe to format", async (t) => {
    const { base, ingest } = await places(t);
    await withMount("mount", ["-t", "tmpfs", "-o", "size=100m", "ghostroll-test"], async (mount) => {
      const summary = await ingest("--verify-source", "--set", `SECOND_DIR=${mount}`);
      assert.deepEqual([summary.exitCode, summary.isSafeToFormat], [0, false]);
      assert.match(summary.verdicts.join(" "), /4 of 4 files without a second copy/);
      assert.deepEqual(await originalsIn(mount), await originalsIn(base));
    });
  });

  it("never gets what has rotted in the library: it is named, and the card is not safe to format", async (t) => {
    const { base, second, ingest } = await places(t);
    await ingest("--set", `SECOND_DIR=${second}/not-there`);
    const [path] = [...(await originalsIn(base)).keys()];
    const file = join(base, path ?? "");
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    const summary = await ingest("--verify-source");
    assert.deepEqual([summary.isSafeToFormat, summary.uncopied?.code], [false, "original-damaged"]);
    assert.equal(summary.exitCode, 74);
    assert.equal((await originalsIn(second)).size, 3);
  });
});

describe("a second disk that this user may not write to", {
  skip: isRoot && "root may write everywhere",
}, () => {
  it("is said, and the card is kept", async (t) => {
    const { second, ingest } = await places(t, 4, "/dev/shm");
    t.after(async () => {
      await chmod(second, 0o700);
      await rm(second, { recursive: true });
    });
    await chmod(second, 0o500);
    const summary = await ingest();
    assert.deepEqual([summary.exitCode, summary.kept, summary.uncopied?.code], [75, 4, "second-unwritable"]);
  });
});
