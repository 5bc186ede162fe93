import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeCard, picture } from "../support/card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { Ended } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import type { SmallDisk } from "./full-disk/small-disk.ts";
import { smallExt4, smallTmpfs } from "./full-disk/small-disk.ts";

const MB = 1_000_000;
const PICTURES = 8;
const FILMS = 32;
const FILM_BYTES = 400_000;
/** What the card and its gallery take, twice over. */
const LARGE = 48 * MB;
/** Sizes a disk shrinks to while the card is read: from one that is full at the catalog's first page to one that nearly does. */
const LADDER_MB = IS_LONG ? [4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16] : [4, 6, 8, 12];

const skip = lacks("mkfs.ext4") || lacksRoot();

/** Some 13 MB: pictures to be rendered, and films, which take the time. */
async function card(folder: string): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < PICTURES; n++) files[`DCIM/100CANON/IMG_000${n}.JPG`] = await picture(n);
  for (let n = 0; n < FILMS; n++)
    files[`DCIM/101CANON/MVI_${String(n).padStart(4, "0")}.MOV`] = Buffer.concat([
      Buffer.from("\0\0\0\x14ftypqt  "),
      randomBytes(FILM_BYTES),
    ]);
  return makeCard(folder, files);
}

const ingest = (source: string, base: string) =>
  `ingest ${source} --base-dir ${base} --no-serve --set RESERVE_MB=0 --set COPY_WORKERS=1 --set WEB_PORT=0`.split(
    " ",
  );

/** It stopped for want of space, says so with what to do, and claims nothing more. */
function assertStopped({ code, signal, out, err }: Ended): void {
  assert.deepEqual([code, signal], [75, null], out + err);
  assert.match(out + err, /Free some space, or point GHOSTROLL_BASE_DIR to a larger disk/);
  assert.doesNotMatch(err, /\n\s+at |this is a bug/);
}

const saysAll = ({ out }: Ended) => /every file on (it|the card) is kept/i.test(out);

describe("a disk that is too small for the card", { skip, timeout: 170_000 }, () => {
  for (const [kind, make] of [
    ["tmpfs", smallTmpfs],
    ["ext4", smallExt4],
  ] as const)
    it(`is told before the first byte, and nothing is begun (${kind})`, async (t) => {
      const folder = await tempFolder(t);
      const source = await card(join(folder, "card"));
      const onCard = new Set((await hashesBelow(source)).values());
      const disk = await make(folder, LARGE);
      try {
        await disk.fill(8 * MB);
        const base = join(disk.root, "ghostroll");
        const run = await ghostroll(ingest(source, base));
        assertStopped(run);
        assert.match(run.err, /The card needs \d+ MB on the library's disk .*, \d[.\d]* MB are free\./);
        assert.equal((await hashesBelow(join(base, "originals"))).size, 0);
        await disk.makeRoom();
        assert.equal((await ghostroll(ingest(source, base))).code, 0);
        await assertComplete(base, onCard, PICTURES + FILMS);
      } finally {
        await disk.remove();
      }
    });
});

describe("a disk that somebody else fills while the card is read", { skip, timeout: 900_000 }, () => {
  it(`stops it cleanly, and it goes on when there is room: ${LADDER_MB.length} sizes, bytes and names`, async (t) => {
    const folder = await tempFolder(t);
    const source = await card(join(folder, "card"));
    const onCard = new Set((await hashesBelow(source)).values());
    const rungs: readonly {
      name: string;
      make(): Promise<SmallDisk>;
      fill(disk: SmallDisk): Promise<void>;
    }[] = [
      ...LADDER_MB.map((size) => ({
        name: `tmpfs of ${size} MB`,
        make: () => smallTmpfs(folder, LARGE),
        fill: (disk: SmallDisk) => disk.shrinkTo(size * MB),
      })),
      ...[0, 2 * MB].map((free) => ({
        name: `ext4 with ${free} bytes free`,
        make: () => smallExt4(folder, LARGE),
        fill: (disk: SmallDisk) => disk.fill(free),
      })),
      {
        name: "tmpfs without names",
        make: () => smallTmpfs(folder, LARGE),
        fill: (disk: SmallDisk) => disk.takeNames(),
      },
    ];
    let [midway, late] = [0, 0];
    for (const { name, make, fill } of rungs) {
      const disk = await make();
      try {
        const base = join(disk.root, "ghostroll");
        const running = start(ingest(source, base));
        await firstOriginal(base, running.ended);
        await fill(disk);
        const first = await running.ended;
        const isThrough = first.code === 0;
        if (!isThrough) {
          assertStopped(first);
          // Started again on the full disk, it must not do worse.
          const again = await ghostroll(ingest(source, base));
          if (again.code !== 0) assertStopped(again);
          await disk.makeRoom();
          const { kept } = await assertSound(base, onCard);
          if (kept > 0 && kept < onCard.size) midway++;
          else late++;
          if (saysAll(first) || saysAll(again)) assert.equal(kept, onCard.size);
        }
        await disk.makeRoom();
        const last = await ghostroll(ingest(source, base));
        assert.equal(last.code, 0, last.err);
        await assertComplete(base, onCard, PICTURES + FILMS);
      } catch (cause) {
        throw new Error(name, { cause });
      } finally {
        await disk.remove();
      }
    }
    t.diagnostic(`${midway} were full while the card was read, ${late} while its gallery was made`);
    report(t, {
      harness: "full disk",
      tried: rungs.length,
      hit: midway + late,
    });
    assert.ok(midway >= rungs.length / 2, `only ${midway} of ${rungs.length} disks were full in time`);
  });
});

/** Waits until something of the card is kept. */
async function firstOriginal(base: string, ended: Promise<Ended>): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (
    !isOver &&
    ![...(await hashesBelow(join(base, "originals"))).keys()].some((path) => /DCIM/.test(path))
  )
    await delay(2);
}
