import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { syncDirectory } from "../../src/flow/durable.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { assertRebuilds } from "../support/rebuilt.ts";
import { tempFolder } from "../support/temp.ts";
import type { Acknowledged } from "./power-cut/acknowledged.ts";
import { countSecond, readAcknowledged, watchCatalog } from "./power-cut/acknowledged.ts";
import { assertInStore, assertRemembered } from "./power-cut/claims.ts";
import type { DiskWithAPlug } from "./power-cut/disk-with-a-plug.ts";
import { diskWithAPlug } from "./power-cut/disk-with-a-plug.ts";
import { MIXED_TILES, mixedCard } from "./power-cut/mixed-card.ts";

/**
 * Where library and catalog are, and whose power goes. On one disk, the syncs of the one save what the other forgot to sync:
 * some bugs show only on two.
 */
const PLACEMENTS = ["one disk", "two disks", "only the library's", "only the catalog's"] as const;
/** The same for a second disk, beside a library with its catalog. */
const PLACEMENTS_OF_SECOND = ["only the second's", "the second's, too"] as const;
type Placement = (typeof PLACEMENTS)[number] | (typeof PLACEMENTS_OF_SECOND)[number];

/** More cuts in one library would only find an ingest that is nearly done. */
const CUTS_A_LIBRARY = 3;
/** Libraries for each filesystem; each has the next of the placements. */
const LIBRARIES = IS_LONG ? { ext4: 12, xfs: 12 } : { ext4: 3, xfs: 2 };
const LIBRARIES_WITH_SECOND = IS_LONG ? { ext4: 6, xfs: 6 } : { ext4: 2, xfs: 1 };

const skip = lacks("mkfs.ext4", "xfs_io") || lacksRoot();

describe("a power cut", { skip }, () => {
  for (const filesystem of ["ext4", "xfs"] as const) {
    const [libraries, withSecond] = [LIBRARIES[filesystem], LIBRARIES_WITH_SECOND[filesystem]];
    it(
      `loses nothing that was acknowledged, on ${filesystem}: ${libraries} libraries`,
      {
        timeout: 60_000 + libraries * 60_000,
      },
      (t) => cutAll(t, filesystem, libraries, PLACEMENTS),
    );

    it(
      `loses no second copy that was acknowledged, on ${filesystem}: ${withSecond} libraries`,
      {
        timeout: 60_000 + withSecond * 90_000,
      },
      (t) => cutAll(t, filesystem, withSecond, PLACEMENTS_OF_SECOND),
    );
  }
});

async function cutAll(
  t: TestContext,
  filesystem: "ext4" | "xfs",
  libraries: number,
  placements: readonly Placement[],
): Promise<void> {
  const folder = await tempFolder(t);
  const source = await mixedCard(join(folder, "card"));
  const onCard = new Set((await hashesBelow(source)).values());
  const measuredMs = await timeOf(["ingest", source, "--base-dir", join(folder, "measured"), ...QUIETLY]);
  const hasSecond = placements === PLACEMENTS_OF_SECOND;
  const counted = (acknowledged: Acknowledged) => (hasSecond ? countSecond(acknowledged) : acknowledged.size);

  let [cuts, midway] = [0, 0];
  for (let library = 0; library < libraries; library++) {
    const placement = placements[library % placements.length] ?? "one disk";
    const disks: DiskWithAPlug[] = [];
    const addDisk = async (name: string) => {
      const disk = await diskWithAPlug(folder, `${name}-${library}`, filesystem);
      disks.push(disk);
      return disk;
    };
    try {
      const disk = await addDisk("library");
      const other = placement === "one disk" ? null : await addDisk("other");
      const base = join(disk.root, "ghostroll");
      const catalog =
        other === null || hasSecond
          ? join(base, "ghostroll.db")
          : join(other.root, "catalog", "ghostroll.db");
      const ingest = ["ingest", source, "--base-dir", base, "--set", `DB_PATH=${catalog}`, ...QUIETLY];
      if (hasSecond && other !== null) ingest.push("--set", `SECOND_DIR=${await folderOnceMade(other)}`);

      for (let cutsHere = 0; cutsHere < CUTS_A_LIBRARY; cutsHere++) {
        const run = start(ingest);
        const before = await cutDuring(
          run,
          momentOf(cutsHere, measuredMs),
          counted,
          catalog,
          cutBy(placement, disk, other),
        );
        const { signal, code, err, out } = await run.ended;
        for (const each of disks) await each.restart();
        const { kept, published } = await assertSound(base, onCard, catalog);
        if (out.includes(ALL_KEPT)) assert.equal(kept, onCard.size, "said that all is kept when it was not");
        const after = readAcknowledged(catalog);
        assertRemembered(before, after);
        await assertInStore(base, catalog, out);
        if (cutsHere === 1) await assertRebuilds(base, catalog);
        if (signal === null && code === 0) break;
        assert.ok(signal === "SIGKILL" || code === 74 || code === 75, `exit code ${code}: ${err}`);
        cuts++;
        const isAtWork = hasSecond ? counted(after) < onCard.size : published < onCard.size;
        if (counted(before) > 0 && isAtWork) midway++;
      }
      const last = await ghostroll(ingest);
      assert.equal(last.code, 0, last.out + last.err);
      await assertComplete(base, onCard, MIXED_TILES, catalog);
      if (hasSecond) assert.equal(countSecond(readAcknowledged(catalog)), onCard.size, "all is copied");
    } finally {
      for (const disk of disks) await disk.remove();
    }
  }
  report(t, {
    harness: `power cuts, ${filesystem}${hasSecond ? ", second disk" : ""}`,
    tried: cuts,
    hit: midway,
  });
  assert.ok(midway >= cuts / 4, `only ${midway} of ${cuts} cuts hit an ingest at work: nothing was tested`);
}

/** What a person does on a new disk, long before anything goes wrong. */
async function folderOnceMade({ root }: DiskWithAPlug): Promise<string> {
  const folder = join(root, "copies");
  await mkdir(folder);
  await syncDirectory(root);
  return folder;
}

/** What people are told when they may go away with the card. */
const ALL_KEPT = "Every file on the card is kept";

const QUIETLY = ["--set", "RESERVE_MB=0", "--no-serve"];

async function timeOf(args: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const { code, err } = await ghostroll(args);
  assert.equal(code, 0, err);
  return performance.now() - startedMs;
}

function cutBy(
  placement: Placement,
  library: DiskWithAPlug,
  other: DiskWithAPlug | null,
): readonly DiskWithAPlug[] {
  if (placement === "only the library's" || other === null) return [library];
  if (placement === "the second's, too") return [other, library];
  // The library's first: what the process goes on to say in the meantime must be true all the same.
  return placement === "two disks" ? [library, other] : [other];
}

type Moment = (elapsedMs: number, acknowledgedNow: number) => boolean;

/**
 * At any time, or as soon as so many acknowledgements were seen: in the moment after one, nothing later has been synced that
 * would save what it forgot.
 */
function momentOf(cut: number, measuredMs: number): Moment {
  const atMs = randomInt(Math.ceil(measuredMs / 8), Math.ceil(measuredMs));
  if (cut % 2 === 1) return (elapsedMs) => elapsedMs >= atMs;
  let [left, before] = [randomInt(1, 6), 0];
  return (_, now) => {
    if (now > before) left--;
    before = now;
    return left === 0;
  };
}

/** How often the catalog is looked at: cheap, and about as long as a sync takes. */
const LOOK_EVERY_MS = 1;

/** Cuts the power at the moment and kills the process. Returns what had been acknowledged by then. */
async function cutDuring(
  run: Running,
  isTime: Moment,
  counted: (acknowledged: Acknowledged) => number,
  catalog: string,
  disks: readonly DiskWithAPlug[],
): Promise<Acknowledged> {
  const watched = watchCatalog(catalog);
  try {
    const startedMs = performance.now();
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    let seen = watched.look();
    while (!isOver && !isTime(performance.now() - startedMs, counted(seen))) {
      await delay(LOOK_EVERY_MS);
      seen = watched.look();
    }
    for (const disk of disks) await disk.cut();
    run.child.kill("SIGKILL");
    await run.ended;
    return seen;
  } finally {
    watched.close();
  }
}
