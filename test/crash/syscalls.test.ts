import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import pMap from "p-map";
import { IS_LONG, report } from "../support/figures.ts";
import type { Ended } from "../support/ghostroll.ts";
import { assertComplete } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import type { Bench, Deed, Point } from "./syscalls/sweep.ts";
import { assertHonest, openBench } from "./syscalls/sweep.ts";

/** Runs at once: a run waits for its disk and for strace about half of its time. */
const AT_ONCE = 2;
const SHORT_KILLS = 16;
const SHORT_ERRORS = 12;
const TIMEOUT_MS = IS_LONG ? 3_500_000 : 170_000;

/** Once, as a bad spot is, or from then on, as a dead or a full disk is. */
const TROUBLES: readonly Deed[] = [
  { error: "EIO", lasts: false },
  { error: "ENOSPC", lasts: true },
  { error: "EIO", lasts: true },
  { error: "ENOSPC", lasts: false },
];
/** A card worker that ends alone is replaced; what it leaves when all end is another matter. */
const ENDS: readonly Deed[] = [{ kills: "its process" }, { kills: "all" }];

/** `fsync 3 on originals`, as a failure names it: only such points, to see one again. */
const WANTED = process.env["GHOSTROLL_CALLS"];

const inWords = ({ part, call, number }: Point) => `${call} ${number} on ${part}`;

/** Whether a process ended with a sentence instead of a stack, and with a code that says whose turn it is. */
function assertSaysWhy({ code, signal, err }: Ended): void {
  assert.equal(signal, null);
  assert.doesNotMatch(err, /\n\s+at |this is a bug/);
  assert.ok(code === 0 || code === 74 || code === 75, `exit code ${code}: ${err}`);
}

describe("a call to the disk, whichever it is", { skip: lacks("strace") }, () => {
  let folder: string;
  let bench: Bench;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
    bench = await openBench(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** All points in the long form; else so many, spread evenly from a random one on, so that in time CI sees them all. */
  function spread(count: number): readonly Point[] {
    const points = bench.points.filter((point) => new RegExp(WANTED ?? "").test(inWords(point)));
    if (IS_LONG || points.length <= count) return points;
    const from = randomInt(points.length);
    const every = points.length / count;
    return Array.from(
      { length: count },
      (_, index) => points[(from + Math.floor(index * every)) % points.length] as Point,
    );
  }

  async function assertFinishes(base: string): Promise<void> {
    const again = await bench.runFreely(base);
    assert.equal(again.code, 0, again.out + again.err);
    await assertComplete(base, bench.onCard, bench.tiles);
    await rm(base, { recursive: true });
  }

  it("may be the last of its process: nothing is lost, and the next run completes", {
    timeout: TIMEOUT_MS,
  }, async (t) => {
    let [kills, midway] = [0, 0];
    const points = spread(SHORT_KILLS);
    const ends = points.flatMap((point) =>
      ENDS.filter((_, index) => point.part === "copies" || index === 0).map((end) => ({ point, end })),
    );
    await pMap(
      ends.entries(),
      async ([index, { point, end }]) => {
        const base = join(folder, `killed-${index}`);
        const ended = await bench.run(base, point, end);
        try {
          if (ended.hits.length > 0) kills++;
          else assert.equal(ended.code, 0, ended.err);
          if (await assertHonest(base, ended, bench)) midway++;
          await assertFinishes(base);
        } catch (cause) {
          throw new Error(`${JSON.stringify(end)} at ${inWords(point)}: ${ended.hits[0]?.line}`, { cause });
        }
      },
      { concurrency: AT_ONCE },
    );
    t.diagnostic(`${midway} left a part of the card kept and not all of it shown`);
    report(t, {
      harness: "SIGKILL at the Nth call",
      tried: ends.length,
      hit: kills,
    });
    assert.ok(kills >= ends.length * 0.8, "most points are met again: else nothing was tested");
    if (WANTED === undefined) assert.ok(midway >= ends.length / 4, "kills find work under way");
  });

  it("may fail: that is said in a sentence, nothing is claimed that is not, and the next run completes", {
    timeout: TIMEOUT_MS,
  }, async (t) => {
    let [runs, errors, recovered] = [0, 0, 0];
    const points = spread(SHORT_ERRORS);
    await pMap(
      points.entries(),
      async ([index, point]) => {
        const base = join(folder, `failed-${index}`);
        const trouble = TROUBLES[index % TROUBLES.length] as Deed;
        const ended = await bench.run(base, point, trouble);
        try {
          if (ended.hits.length > 0) runs++;
          errors += ended.hits.length;
          assertSaysWhy(ended);
          await assertHonest(base, ended, bench);
          if (ended.code === 0) await assertComplete(base, bench.onCard, bench.tiles);
          if (ended.code === 0 && ended.hits.length > 0) recovered++;
          await assertFinishes(base);
        } catch (cause) {
          const hit = `${ended.hits[0]?.line}\n${ended.err}`;
          throw new Error(`${JSON.stringify(trouble)} at ${inWords(point)}: ${hit}`, { cause });
        }
      },
      { concurrency: AT_ONCE },
    );
    t.diagnostic(`${errors} calls failed; ${recovered} runs completed all the same`);
    report(t, {
      harness: "EIO / ENOSPC at the Nth call",
      tried: points.length,
      hit: runs,
    });
    assert.ok(runs >= points.length * 0.8, "most points are met again: else nothing was tested");
  });
});
