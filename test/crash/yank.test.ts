import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { readdir, rename, rm, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard, picture } from "../support/card.ts";
import { changingCard, INDEX_FILE } from "../support/changing-card.ts";
import { exfatCard } from "../support/exfat-card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const YANKS = IS_LONG ? 36 : 6;
const YANKS_A_LIBRARY = 3;
const PICTURES = 24;
/** Films, so that most of the time goes into copying and a card can be pulled in the middle of one. */
const FILMS = 5;
const FILM_BYTES = 24_000_000;
/** A scan every two seconds, two equal looks, and then the films. */
const LOGGED_MS = 60_000;
const CARD_BYTES = 200 * 1024 * 1024;

async function files(): Promise<Record<string, Uint8Array>> {
  const all: Record<string, Uint8Array> = {};
  for (let n = 0; n < PICTURES; n++)
    all[`DCIM/100CANON/IMG_${String(n).padStart(4, "0")}.JPG`] = await picture(n);
  all["DCIM/101CANON/COPY.JPG"] = await picture(3);
  for (let n = 0; n < FILMS; n++)
    all[`DCIM/101CANON/MVI_000${n}.MOV`] = Buffer.concat([
      Buffer.from("\0\0\0\x14ftypqt  "),
      randomBytes(FILM_BYTES),
    ]);
  all[INDEX_FILE] = Buffer.from("index");
  return all;
}

const skip = lacks("mkfs.exfat", "mount.exfat-fuse") || lacksRoot();

describe("a card that is pulled while it is read", { skip }, () => {
  it(`goes on when it is back, in the same session unless it was changed, nothing lost, half or doubled: ${YANKS} pulls`, {
    timeout: 60_000 + YANKS * 20_000,
  }, async (t) => {
    const card = await exfatCard(t, CARD_BYTES);
    const folder = await tempFolder(t);
    await card.insert("rw");
    await makeCard(card.root, await files());
    card.eject();
    const ingest = (base: string) => [
      "ingest",
      card.root,
      "--base-dir",
      base,
      "--set",
      "RESERVE_MB=0",
      "--no-serve",
    ];

    await card.insert("ro");
    assert.equal((await ghostroll(ingest(join(folder, "measured")))).code, 0);
    const wholeBytes = await card.bytesRead();
    card.eject();

    let [yanks, libraries, midway, changes] = [0, 0, 0, 0];
    while (yanks < YANKS) {
      const base = join(folder, `library-${libraries}`);
      // Every other card goes back into the camera after each pull.
      const isChanging = libraries++ % 2 === 1;
      const changing = changingCard(card.root);
      const inCamera = async (act: () => Promise<unknown>) => {
        await card.insert("rw");
        await act();
        card.eject();
      };
      await inCamera(changing.look);
      for (let yanksHere = 0; yanksHere < YANKS_A_LIBRARY && yanks < YANKS; yanksHere++) {
        const before = await assertSound(base, changing.ever);
        const all = changing.contents().size;
        if (before.kept >= all) break;
        const target = randomInt(Math.ceil(wholeBytes * (1 - before.kept / all)));
        await card.insert("ro");
        const run = start(ingest(base));
        const isOver = run.ended.then(() => true);
        while ((await card.bytesRead()) < target) if (await Promise.race([isOver, delay(2, false)])) break;
        await card.pull();
        const { code, err, out } = await run.ended;
        card.eject();
        yanks++;
        const { kept, hashes } = await assertSound(base, changing.ever);
        changing.assertKept(out, hashes);
        assert.ok(code === 74 || code === 0, `exit code ${code}: ${err}`);
        if (code === 0) break;
        assert.match(err, /The card .*(was gone|is gone|was removed)/);
        assert.match(err, /Insert the card again: it goes on where it was\./);
        assert.doesNotMatch(err, /bug/);
        if (kept < all) midway++;
        if (!isChanging) continue;
        changes++;
        await inCamera(async () => {
          await changing.change();
          await changing.look();
        });
      }
      await card.insert("ro");
      const last = await ghostroll([...ingest(base), "--json"]);
      card.eject();
      assert.equal(last.code, 0, last.err);
      const { hashes, shown } = await assertSound(base, changing.ever);
      changing.assertKept(last.out, hashes);
      changing.assertCounted(JSON.parse(last.out) as Summary, base);
      await assertComplete(base, hashes, shown, undefined, changing.ever);
      if (isChanging) continue;
      assert.deepEqual(hashes, changing.contents());
      assert.deepEqual(countsOf(base), { sessions: 1, found: changing.files(), failed: 0 });
    }
    t.diagnostic(`the card was changed ${changes} times between a pull and the next insertion`);
    report(t, { harness: "card pulled", tried: yanks, hit: midway });
    assert.ok(midway >= YANKS / 2, `only ${midway} of ${yanks} pulls hit a copy under way`);
  });
});

describe("a card that is pulled from the daemon", { skip }, () => {
  it("goes on in the same session as soon as it is back, without a word from anybody", async (t) => {
    const card = await exfatCard(t, CARD_BYTES);
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    await card.insert("rw");
    await makeCard(card.root, await files());
    const onCard = new Set((await hashesBelow(card.root)).values());
    card.eject();
    const set = { MOUNT_ROOTS: dirname(card.root), BASE_DIR: base, WEB_PORT: "0", RESERVE_MB: "0" };
    const run = start([
      "watch",
      ...Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]),
    ]);
    try {
      await card.insert("ro");
      await untilUnderWay(base, run);
      await card.pull();
      await untilLogged(run, '"code":"card-removed"');
      card.eject();
      await untilLogged(run, '"msg":"card removed"');
      const { kept } = await assertSound(base, onCard);
      assert.ok(kept < onCard.size, "it was over before the card had gone");
      await card.insert("ro");
      await untilLogged(run, '"msg":"gallery complete"');
      run.child.kill("SIGTERM");
      assert.equal((await run.ended).code, 0);
    } finally {
      run.child.kill("SIGKILL");
      await run.ended;
    }
    await assertComplete(base, onCard, PICTURES + FILMS);
    assert.deepEqual(countsOf(base), { sessions: 1, found: PICTURES + FILMS + 2, failed: 0 });
  });
});

describe("a card that looks empty from one moment to the next, as a pulled FAT card does", () => {
  it("is gone, not finished: nothing is failed by name, and all of it is kept when it is back", async (t) => {
    const { card, base, ingest } = await folderCard(t);
    const run = start(ingest);
    await untilUnderWay(base, run);
    await rename(join(card, "DCIM"), `${card}-DCIM`);
    const { code, out, err } = await run.ended;
    assert.equal(code, 74, err);
    assert.match(err, /The card .*gone.* Insert the card again/);
    assert.doesNotMatch(out, /Every file on it is kept/);
    await rename(`${card}-DCIM`, join(card, "DCIM"));
    const onCard = new Set((await hashesBelow(card)).values());
    const { kept } = await assertSound(base, onCard);
    assert.ok(kept < onCard.size, "it was over before the card had gone");
    assert.equal(countsOf(base).failed, 0);
    const last = await ghostroll(ingest);
    assert.equal(last.code, 0, last.err);
    await assertComplete(base, onCard, FILMS);
    assert.deepEqual(countsOf(base), { sessions: 1, found: FILMS, failed: 0 });
  });

  it("is told apart from one file that was deleted: that one is named, the others are kept", async (t) => {
    const { card, base, ingest } = await folderCard(t);
    const run = start([...ingest, "--json"]);
    await untilUnderWay(base, run);
    await rm(join(card, `DCIM/100CANON/MVI_000${FILMS - 1}.MOV`));
    const { code, out, err } = await run.ended;
    assert.equal(code, 3, err);
    const { foundFiles, kept, failed, troubles } = JSON.parse(out) as Summary;
    assert.deepEqual([foundFiles, kept, failed], [FILMS, FILMS - 1, 1]);
    assert.match(troubles[0]?.name ?? "", new RegExp(`MVI_000${FILMS - 1}`));
    const onCard = new Set((await hashesBelow(card)).values());
    assert.equal((await assertSound(base, onCard)).kept, FILMS - 1);
  });
});

describe("a card whose every read fails from one moment to the next, as a pulled exFAT card's", {
  skip: lacks("mkfs.ext4") || lacksRoot(),
}, () => {
  it("is gone: no file of it is called unreadable", async (t) => {
    const { disk, image, device, insertAgain } = await loopDisk(t, CARD_BYTES);
    const { base, ingest } = await folderCard(t, disk);
    const onCard = new Set((await hashesBelow(disk)).values());
    insertAgain();
    const run = start(ingest);
    await untilUnderWay(base, run);
    await truncate(image, 0);
    // Of a card in a slot, the kernel notices that much later than its reads begin to fail.
    await delay(250);
    execFileSync("losetup", ["-c", device]);
    const { code, out, err } = await run.ended;
    assert.equal(code, 74, `${out}${err}`);
    assert.match(err, /The card .* (was removed|is gone).* Insert the card again/);
    assert.ok((await assertSound(base, onCard)).kept < onCard.size, "it was over before the card had gone");
    assert.equal(countsOf(base).failed, 0);
  });
});

/** A folder of films, and a command that reads one at a time. */
async function folderCard(t: TestContext, place?: string) {
  const folder = await tempFolder(t);
  const [card, base] = [place ?? join(folder, "card"), join(folder, "library")];
  const films = Array.from({ length: FILMS }, (_, n) => [
    `DCIM/100CANON/MVI_000${n}.MOV`,
    randomBytes(FILM_BYTES),
  ]);
  await makeCard(card, Object.fromEntries(films) as Record<string, Uint8Array>);
  const set = ["--set", "RESERVE_MB=0", "--set", "COPY_WORKERS=1"];
  return { card, base, ingest: ["ingest", card, "--base-dir", base, "--no-serve", ...set] };
}

async function untilLogged(run: Running, words: string): Promise<void> {
  for (const untilMs = performance.now() + LOGGED_MS; !run.out().includes(words); await delay(20))
    assert.ok(performance.now() < untilMs, `it did not say ${words}:\n${run.out()}`);
}

/** Resolves when the first copy is being made. */
async function untilUnderWay(base: string, run: Running): Promise<void> {
  let isOver = false;
  void run.ended.then(() => {
    isOver = true;
  });
  while ((await readdir(join(base, "incoming")).catch(() => [])).length === 0) {
    assert.ok(!isOver, "it ended before it had begun to copy");
    await delay(2);
  }
}

function countsOf(base: string) {
  const catalog = new Database(join(base, "ghostroll.db"), { readonly: true });
  try {
    return catalog
      .prepare(
        `SELECT (SELECT count(*) FROM session) AS sessions, count(*) AS found,
           coalesce(sum(state = 'failed'), 0) AS failed FROM card_file`,
      )
      .get() as { sessions: number; found: number; failed: number };
  } finally {
    catalog.close();
  }
}
