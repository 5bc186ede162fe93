import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard } from "../support/card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { Ended } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertSound, hashesBelow } from "../support/invariants.ts";
import { lookInto } from "../support/look-into.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import type { Faults } from "./shim/faults.ts";
import { openFaults } from "./shim/faults.ts";

const FLIPS = IS_LONG ? 50 : 5;
/** A new library after so many, so that early and late files of a card are hit. */
const FLIPS_A_LIBRARY = 5;
const SHOTS = 20;
const SHOT_BYTES = 2_500_000;
const DISK_BYTES = 256 * 1024 * 1024;
/** Where the bad spot of a card begins: inside a chunk, so that the read that meets it comes back short. */
const SPOT = 366 * 4096;

describe("bits that change on their way to the library", { skip: lacks("cc") }, () => {
  it(`are found when they were written wrong, and nothing is claimed: ${FLIPS} flips`, {
    timeout: 60_000 + FLIPS * 10_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    // A second rule does not count the write that the first has met.
    await provesAll(t, folder, await openFaults(folder), "bit flipped on write", (nth, at) => [
      `write /incoming/ flip ${nth} ${at}`,
      `write /incoming/ flip ${nth} ${at}`,
    ]);
  });

  it(`are found when the disk lost them below a good cache: ${FLIPS} flips`, {
    skip: lacks("mkfs.ext4") || lacksRoot(),
    timeout: 60_000 + FLIPS * 10_000,
  }, async (t) => {
    const { disk, image } = await loopDisk(t, DISK_BYTES);
    const folder = await tempFolder(t);
    await provesAll(
      t,
      disk,
      await openFaults(folder),
      "bit lost on disk",
      (nth, at) => [
        `sync /incoming/ rot ${nth} ${at} ${image}`,
        `sync /incoming/ rot ${nth + 1} ${at} ${image}`,
      ],
      folder,
    );
  });

  it("are found by reading the whole card again when the reader changed them: both contents are kept", async (t) => {
    const folder = await tempFolder(t);
    const faults = await openFaults(folder);
    const source = await card(folder);
    const base = join(folder, "library");
    const truth = await hashesBelow(source);
    // Of every tenth file one bit arrives wrong, the first time: no look at the copy can tell.
    const tenth = [...truth.keys()].filter((path) => path.endsWith("9.CR3"));
    await faults.set(...tenth.map((path) => `read ${path} flip ${SPOT}`));
    const first = await ingest(source, base, faults);
    assert.equal(first.code, 0, first.err);
    const flips = tenth.length;
    assert.equal((await faults.happened()).length, flips);

    const second = await ingest(source, base, faults, "--rescan", "full", "--json");
    assert.equal(second.code, 0, second.err);
    const { kept, duplicates } = JSON.parse(second.out) as Summary;
    assert.deepEqual({ kept, duplicates }, { kept: flips, duplicates: SHOTS - flips });
    const held = new Set((await hashesBelow(join(base, "originals"))).values());
    for (const [path, hash] of truth) assert.ok(held.has(hash), `${path} is lost`);
    report(t, {
      harness: "bit flipped by the reader",
      tried: flips,
      hit: flips,
    });
  });
});

describe("a card of which a bit changes on its way when it is read twice (--verify-source)", {
  skip: lacks("cc", "mkfs.ext4") || (process.getuid?.() === 0 ? false : "mounting a disk takes root"),
}, () => {
  for (const [which, rule] of [
    ["first", "flip"],
    ["second", "flip-again"],
  ] as const)
    it(`is never called safe to format, the file is named, what it has is kept: in the ${which} reading`, async (t) => {
      const folder = await tempFolder(t);
      const faults = await openFaults(folder);
      const source = await card(folder);
      const base = join(folder, "library");
      const truth = await hashesBelow(source);
      // So that nothing but the reading stands against formatting.
      const { disk } = await loopDisk(t, DISK_BYTES);
      const tenth = [...truth.keys()].filter((path) => path.endsWith("9.CR3"));
      await faults.set(...tenth.map((path) => `read ${path} ${rule} ${SPOT}`));
      const second = ["--set", `SECOND_DIR=${disk}`];
      const { code, out, err } = await ingest(source, base, faults, "--verify-source", "--json", ...second);
      assert.equal(code, 3, out + err);
      assert.equal((await faults.happened()).length, tenth.length);
      const { isSafeToFormat, verdicts, troubles, kept } = JSON.parse(out) as Summary;
      assert.deepEqual([isSafeToFormat, kept], [false, SHOTS]);
      assert.deepEqual(verdicts.slice(1), [
        "Not yet safe to format. The card gave other bytes when it was read again: clean its contacts or try another reader.",
      ]);
      assert.deepEqual(
        troubles.map(({ name }) => basename(name)).toSorted(),
        tenth.map((path) => basename(path)),
      );
      for (const { reason } of troubles)
        assert.match(
          reason,
          which === "first" ? /; both are kept/ : /the first ones at a third reading: these/,
        );
      const originals = [...(await hashesBelow(join(base, "originals")))].filter(([path]) =>
        path.endsWith(".CR3"),
      );
      const held = new Set(originals.map(([, hash]) => hash));
      for (const [path, hash] of truth) assert.ok(held.has(hash), `${path} is lost`);
      assert.equal(originals.length, SHOTS + (which === "first" ? tenth.length : 0));
      assert.equal((await assertSound(base, held)).kept, originals.length);
      report(t, {
        harness: `bit flipped in the ${which} of two readings`,
        tried: tenth.length,
        hit: tenth.length,
      });
    });
});

describe("a reader that changes a bit just before an error that ends it all", { skip: lacks("cc") }, () => {
  for (const [what, rule] of [
    ["the card is gone", "gone"],
    ["the process is killed", `bad ${SPOT} ${SPOT + 65_536}`],
  ] as const)
    it(`is asked again when the card is back, before it is said that all is kept: ${what}`, async (t) => {
      const folder = await tempFolder(t);
      const faults = await openFaults(folder);
      const source = await card(folder);
      const base = join(folder, "library");
      const truth = await hashesBelow(source);
      const [flipped, bad] = ["IMG_0003.CR3", "IMG_0006.CR3"];
      await faults.set(`read ${flipped} flip ${SPOT}`, `read ${bad} ${rule}`);
      const one = ["--set", "COPY_WORKERS=1", "--set", "RESERVE_MB=0", "--no-serve", "--json"];
      const run = start(["ingest", source, "--base-dir", base, ...one], { env: faults.env });
      let isOver = false;
      const ended = run.ended.finally(() => {
        isOver = true;
      });
      // An error that does not end it has to be heard of by the process that is killed, and what it doubts to be kept.
      while (!isOver && (rule === "gone" || !isSuspect(base, flipped))) await delay(5);
      run.child.kill("SIGKILL");
      const { code, signal, err } = await ended;
      assert.deepEqual([code, signal], rule === "gone" ? [74, null] : [null, "SIGKILL"], err);

      await faults.set();
      const last = await ghostroll(["ingest", source, "--base-dir", base, ...one], { env: faults.env });
      const { kept, failed, troubles } = JSON.parse(last.out) as Summary;
      assert.deepEqual([last.code, kept, failed], [3, SHOTS, 0], last.out + last.err);
      assert.deepEqual(
        troubles.map(({ name }) => basename(name)),
        [flipped],
      );
      assert.match(troubles[0]?.reason ?? "", /both are kept/);
      const held = new Set((await hashesBelow(join(base, "originals"))).values());
      for (const [path, hash] of truth) assert.ok(held.has(hash), `${path} is lost`);
      report(t, { harness: `bit flipped, then ${what}`, tried: 1, hit: 1 });
    });
});

describe("a disk whose reads come back short", { skip: lacks("cc") }, () => {
  it("is read on from there: the copies are proved to their end", async (t) => {
    const folder = await tempFolder(t);
    const faults = await openFaults(folder);
    const source = await card(folder);
    const base = join(folder, "library");
    // Less than a block after a block's beginning, where nothing more can be read past the cache.
    await faults.set(`read /incoming/ short ${SPOT + 512}`);
    const { code, err } = await ingest(source, base, faults);
    assert.equal(code, 0, err);
    assert.ok(
      (await faults.happened()).length >= SHOTS * 2,
      "every file came short, past the cache and without",
    );
    const onCard = new Set((await hashesBelow(source)).values());
    assert.equal((await assertSound(base, onCard)).kept, SHOTS);
    await faults.set(
      "write /incoming/ flip 1 2400000",
      "write /incoming/ flip 1 2400000",
      `read /incoming/ short ${SPOT + 512}`,
    );
    const wrong = await ingest(source, join(folder, "other"), faults, "--set", "COPY_WORKERS=1");
    assert.equal(wrong.code, 74, "what comes after the short read is proved, too");
  });
});

describe("a card with bad spots", { skip: lacks("cc") }, () => {
  it("gives all other files; the bad ones are tried again last, named, and never padded", async (t) => {
    const folder = await tempFolder(t);
    const faults = await openFaults(folder);
    const source = await card(folder);
    const base = join(folder, "library");
    const truth = await hashesBelow(source);
    const [bad, short, shaky] = ["IMG_0003.CR3", "IMG_0005.CR3", "IMG_0007.CR3"];
    await faults.set(
      "read /card/DCIM/ note",
      `read ${bad} bad ${SPOT} ${SPOT + 65_536}`,
      `read ${short} end ${SPOT}`,
      `read ${shaky} bad-once ${SPOT} ${SPOT + 65_536}`,
    );
    const { code, out, err } = await ingest(source, base, faults, "--json");
    assert.equal(code, 3, err);
    const { foundFiles, kept, failed, troubles } = JSON.parse(out) as Summary;
    assert.deepEqual({ foundFiles, kept, failed }, { foundFiles: SHOTS, kept: SHOTS - 2, failed: 2 });
    const pathOf = (name: string) => `DCIM/100CANON/${name}`;
    const reasons = Object.fromEntries(troubles.map(({ name, reason }) => [name, reason]));
    assert.deepEqual(Object.keys(reasons).toSorted(), [pathOf(bad), pathOf(short)]);
    assert.match(
      reasons[pathOf(bad)] ?? "",
      /could not be read from the card \(EIO\)\. Clean the card's contacts/,
    );
    assert.match(reasons[pathOf(short)] ?? "", new RegExp(`gave ${SPOT} of the ${SHOT_BYTES} bytes`));
    const asked = (await faults.happened()).filter((line) => line.startsWith("note "));
    assert.deepEqual(
      asked
        .slice(SHOTS, SHOTS + 3)
        .map((line) => basename(line))
        .toSorted(),
      [bad, short, shaky],
      "the bad ones are tried again when all others have been read",
    );
    const { kept: rows } = await assertSound(base, new Set(truth.values()));
    assert.equal(rows, SHOTS - 2);

    await faults.set();
    const mended = await ingest(source, base, faults, "--json");
    assert.equal(mended.code, 0, mended.err);
    assert.deepEqual((JSON.parse(mended.out) as Summary).sessions.length, 1);
    assert.equal((await assertSound(base, new Set(truth.values()))).kept, SHOTS);
  });
});

/** Lets one bit of one copy after the other change: each time the command has to stop and to claim nothing of that copy. */
/** Twice in a row stops the session, and nothing is claimed; of one wrong copy nobody hears, since the next one is right. */
async function provesAll(
  t: TestContext,
  place: string,
  faults: Faults,
  harness: string,
  rules: (nth: number, at: number) => string[],
  folder = place,
): Promise<void> {
  const source = await card(folder);
  const onCard = new Set((await hashesBelow(source)).values());
  for (let tried = 0; tried < FLIPS; ) {
    const base = join(place, `library-${tried}`);
    for (let here = 0; here < FLIPS_A_LIBRARY && tried < FLIPS; here++) {
      const { kept } = await assertSound(base, onCard);
      if (kept === SHOTS) break;
      const times = here === FLIPS_A_LIBRARY - 1 || tried === FLIPS - 1 ? 1 : 2;
      const some = rules(randomInt(1, SHOTS - kept + 1), randomInt(SHOT_BYTES)).slice(0, times);
      await faults.set(...some);
      const { code, err } = await ingest(source, base, faults, "--set", "COPY_WORKERS=1");
      assert.equal((await faults.happened()).length, times, "a bit was changed");
      tried++;
      const { kept: keptNow } = await assertSound(base, onCard);
      if (times === 1) {
        assert.deepEqual([code, keptNow], [0, SHOTS], err);
        continue;
      }
      assert.equal(code, 74, `a copy with a wrong bit went through: ${err}`);
      assert.match(err, /The copy of \S+ read back from the disk differs from the card/);
    }
    await faults.set();
    const last = await ingest(source, base, faults);
    assert.equal(last.code, 0, last.err);
    assert.equal((await assertSound(base, onCard)).kept, SHOTS);
    await rm(base, { recursive: true });
  }
  report(t, { harness, tried: FLIPS, hit: FLIPS });
}

/** Whether a file is kept, and noted to be read again. */
function isSuspect(base: string, name: string): boolean {
  const catalog = lookInto(join(base, "ghostroll.db"));
  try {
    const isMade = catalog?.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'suspect'").get() !== undefined;
    const row = "SELECT 1 FROM suspect JOIN fingerprint USING (volume, path) WHERE CAST(path AS TEXT) LIKE ?";
    return catalog !== null && isMade && catalog.prepare(row).get(`%/${name}`) !== undefined;
  } finally {
    catalog?.close();
  }
}

/** RAW files: nothing is rendered, so that the time goes into copies. */
async function card(folder: string): Promise<string> {
  const shots = Array.from({ length: SHOTS }, (_, n) => [
    `DCIM/100CANON/IMG_${String(n).padStart(4, "0")}.CR3`,
    randomBytes(SHOT_BYTES),
  ]);
  return makeCard(join(folder, "card"), Object.fromEntries(shots) as Record<string, Uint8Array>);
}

async function ingest(source: string, base: string, { env }: Faults, ...more: string[]): Promise<Ended> {
  const set = ["--set", "RESERVE_MB=0", "--no-serve", ...more];
  return ghostroll(["ingest", source, "--base-dir", base, ...set], { env });
}
