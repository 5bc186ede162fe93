import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { IS_LONG, report } from "../support/figures.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { mountImage } from "../support/mount.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import { crashStates, openCrashes } from "./block/crash-states.ts";
import { recordedDisk } from "./block/recorded-disk.ts";
import { readWriteLog } from "./block/write-log.ts";
import type { Acknowledged } from "./power-cut/acknowledged.ts";
import { readAcknowledged, watchCatalog } from "./power-cut/acknowledged.ts";
import { assertInStore, assertRemembered } from "./power-cut/claims.ts";
import { MIXED_TILES, mixedCard } from "./power-cut/mixed-card.ts";

/** With the catalog on the library's disk, its syncs save what the library forgot: each has its turn. */
const RECORDINGS = [
  { filesystem: "ext4", catalog: "on the same disk", states: IS_LONG ? 60 : 10 },
  { filesystem: "ext4", catalog: "elsewhere", states: IS_LONG ? 40 : 10 },
  { filesystem: "xfs", catalog: "on the same disk", states: IS_LONG ? 40 : 0 },
  { filesystem: "xfs", catalog: "elsewhere", states: IS_LONG ? 40 : 0 },
] as const;

/** Going on to the end takes seconds, looking takes a fraction of one. */
const STATES_A_COMPLETION = 5;

const skip = lacks("mkfs.ext4", "mkfs.xfs", "qemu-storage-daemon") || lacksRoot();

describe("a disk that loses, tears and reorders what was not flushed", { skip }, () => {
  for (const { filesystem, catalog: place, states: count } of RECORDINGS.filter(({ states }) => states > 0))
    it(`keeps what was acknowledged, on ${filesystem} with the catalog ${place}: ${count} crashes`, {
      timeout: 60_000 + count * 10_000,
    }, async (t) => {
      const folder = await tempFolder(t);
      const source = await mixedCard(join(folder, "card"));
      const onCard = new Set((await hashesBelow(source)).values());
      const isOneDisk = place === "on the same disk";
      const base = join(folder, "disk", "ghostroll");
      const catalog = isOneDisk ? join(base, "ghostroll.db") : join(folder, "ghostroll.db");
      const ingest = ["ingest", source, "--base-dir", base, "--set", `DB_PATH=${catalog}`, ...QUIETLY];

      const { image, log, looks } = await recordIngest(folder, filesystem, ingest, catalog);
      const entries = await readWriteLog(log);
      const states = crashStates(
        entries,
        looks.map(({ logBytes }) => logBytes),
        count,
      );
      const crashes = await openCrashes(image, log, entries);
      let [checked, midway] = [0, 0];
      try {
        for (const [index, state] of states.entries()) {
          const crashed = join(folder, `crash-${index}.img`);
          await crashes.make(crashed, state);
          const sentBytes = entries[state.sent - 1]?.endOffset ?? 0;
          const acknowledged =
            looks.findLast(({ logBytes }) => logBytes <= sentBytes)?.acknowledged ?? new Map();
          const mounted = await mountImage(crashed, join(folder, "disk"));
          try {
            await assertKept(base, acknowledged);
            if (isOneDisk) {
              await assertSound(base, onCard, catalog);
              assertRemembered(acknowledged, readAcknowledged(catalog));
              await assertInStore(base, catalog, "");
            } else await assertSound(base, onCard, join(folder, "none.db"));
            if (isOneDisk && index % STATES_A_COMPLETION === 0) {
              const { code, err } = await ghostroll(ingest);
              assert.equal(code, 0, err);
              await assertComplete(base, onCard, MIXED_TILES, catalog);
            }
          } finally {
            await mounted.release();
            await rm(crashed);
          }
          checked += acknowledged.size;
          if (acknowledged.size > 0 && state.sent < entries.length) midway++;
        }
      } finally {
        await crashes.close();
      }
      t.diagnostic(
        `${entries.length} writes and flushes, ${looks.length} acknowledgements, ${checked} files checked`,
      );
      report(t, {
        harness: `block-level crashes, ${filesystem}, catalog ${place}`,
        tried: count,
        hit: midway,
      });
      assert.ok(
        midway >= count / 4,
        `only ${midway} of ${count} crashes hit an ingest at work: nothing was tested`,
      );
    });
});

const QUIETLY = ["--set", "RESERVE_MB=0", "--no-serve"];

/** About as long as a sync takes: each batch is to be seen before the next one is synced. */
const LOOK_EVERY_MS = 1;

interface LookBack {
  readonly acknowledged: Acknowledged;
  /** So long was the log at most when all of it had been acknowledged. */
  readonly logBytes: number;
}

/** Records one whole ingest, and when in its writes what had been acknowledged. */
async function recordIngest(
  folder: string,
  filesystem: "ext4" | "xfs",
  ingest: readonly string[],
  catalog: string,
): Promise<{ readonly image: string; readonly log: string; readonly looks: readonly LookBack[] }> {
  const disk = await recordedDisk(folder, filesystem);
  const watched = watchCatalog(catalog);
  const looks: LookBack[] = [];
  try {
    const run = start(ingest);
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      await delay(LOOK_EVERY_MS);
      const acknowledged = watched.look();
      // After the look: what was seen had been synced by then.
      if (acknowledged.size !== (looks.at(-1)?.acknowledged.size ?? 0))
        looks.push({ acknowledged, logBytes: disk.logBytes() });
    }
    const { code, err } = await run.ended;
    assert.equal(code, 0, err);
  } finally {
    watched.close();
    await disk.release();
  }
  return { image: disk.image, log: disk.log, looks };
}

async function assertKept(base: string, acknowledged: Acknowledged): Promise<void> {
  const onDisk = await hashesBelow(join(base, "originals"));
  for (const [path, hash] of acknowledged)
    assert.equal(onDisk.get(join(base, path)), hash, `${path} was acknowledged, and is not on the disk`);
}
