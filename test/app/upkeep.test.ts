import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Announcer } from "../../src/app/announce.ts";
import type { House } from "../../src/app/house.ts";
import { openLog } from "../../src/app/log.ts";
import { openRounds } from "../../src/app/rounds.ts";
import { openUpkeep } from "../../src/app/upkeep.ts";
import { Failure } from "../../src/domain/failure.ts";
import type { Finding } from "../../src/domain/finding.ts";
import { contentHash } from "../../src/domain/hash.ts";
import type { VerifyPorts } from "../../src/ingest/verify.ts";

const never = new AbortController().signal;

/** A round that goes on until it is stopped, and how often it began and ended. */
function rounds(firstMs: number, everyMs: number, restMs = 0) {
  const seen = { begun: 0, ended: 0 };
  const began = Promise.withResolvers<void>();
  const opened = openRounds({
    firstMs,
    everyMs,
    restMs,
    async round(signal) {
      seen.begun++;
      began.resolve();
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      await promise.finally(() => seen.ended++);
    },
  });
  // The timers of rounds keep no process alive.
  const alive = setInterval(() => {}, 1000);
  return { ...opened, seen, began: began.promise, end: () => clearInterval(alive) };
}

describe("what is done once a day", () => {
  it("waits while it is held, begins when it is let go, and each hold counts", async () => {
    const { hold, release, close, seen, began, end } = rounds(1, 1000);
    await hold();
    await hold();
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    assert.equal(seen.begun, 0);
    release();
    await began;
    assert.deepEqual(seen, { begun: 1, ended: 0 });
    await close();
    assert.deepEqual(seen, { begun: 1, ended: 1 });
    end();
  });

  it("makes way at once, and makes up for the round when there is time again", async () => {
    const { hold, release, close, seen, began, end } = rounds(1, 1000);
    await began;
    await hold();
    assert.deepEqual(seen, { begun: 1, ended: 1 });
    release();
    assert.equal(seen.begun, 2);
    await close();
    end();
  });

  it("begins only when nobody has held it for a while, and that long after the start", async () => {
    const { hold, release, close, seen, began, end } = rounds(0, 10_000, 200);
    const openedMs = performance.now();
    await hold();
    await new Promise((resolve) => setTimeout(resolve, 250));
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(seen.begun, 0);
    await began;
    assert.ok(performance.now() - openedMs >= 440);
    await close();
    end();
  });

  it("never runs twice at once, however late it is", async () => {
    const { close, seen, began, end } = rounds(1, 2);
    await began;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(seen, { begun: 1, ended: 0 });
    await close();
    end();
  });
});

/** A house of which only the upkeep is there, with these findings. */
function house(findings: readonly (Finding | null)[]) {
  const originals = findings.map((finding, index) => ({
    finding,
    hash: contentHash(createHash("sha256").update(`${index}`).digest("hex")),
    path: `originals/${index}.JPG`,
    sizeBytes: 1,
  }));
  const left = new Set(originals);
  const care: VerifyPorts = {
    catalog: {
      nextRun: () => 1,
      originals: () => ({ originals: originals.length, bytes: originals.length, findings: 0 }),
      due: (_, limit) => [...left].slice(0, limit),
      markRead: (_, batch) => {
        for (const one of originals) if (batch.some(({ hash }) => hash === one.hash)) left.delete(one);
      },
      modifiedMs: () => null,
    },
    library: {
      assertThere: () => {},
      readBack: async ({ hash }) => {
        const state = originals.find((one) => one.hash === hash)?.finding ?? null;
        return state === null ? { state: "as-kept", proof: "cold" } : { state };
      },
      replace: () => Promise.reject(new Error("the daemon repairs nothing by itself")),
    },
    places: [],
  };
  const [told, lines]: [string[], string[]] = [[], []];
  let backups = 0;
  let last: ReturnType<House["catalog"]["lastRound"]> = null;
  const catalog: Pick<House["catalog"], "lastRound" | "roundDone"> = {
    lastRound: () => last,
    roundDone(round) {
      last = round;
    },
  };
  const announcer: Pick<Announcer, "trouble"> = {
    trouble: (card, { message, policy }) => void told.push(`${card}: ${message} ${policy.hint}`),
  };
  const parts: Pick<House, "care" | "backUp" | "lastBackUpMs"> & { options: { readers: number } } = {
    care,
    options: { readers: 1 },
    backUp: async () => `backup ${++backups}`,
    lastBackUpMs: () => null,
  };
  const log = openLog({ level: "info", out: { write: (line) => void lines.push(line) } });
  return {
    house: { ...parts, catalog, sweepStore: async () => 0, announcer } as unknown as House,
    log,
    told,
    lines,
    backups: () => backups,
  };
}

describe("the daemon's upkeep", () => {
  it("logs each rotten original as an error and tells people once, with the fix", async () => {
    const { house: parts, log, told, lines } = house(["changed", "missing", null]);
    const upkeep = openUpkeep(parts, log);
    for (let day = 0; day < 3; day++) await upkeep.scrub(never);
    const errors = lines.filter((line) => line.includes('"level":"error"'));
    assert.equal(errors.length, 2);
    assert.match(errors.join(), /originals\/0\.JPG.*originals\/1\.JPG/s);
    assert.equal(told.length, 2);
    assert.match(told[0] ?? "", /^the library: originals\/0\.JPG: Its bytes .*verify --repair/);
  });

  it("says nothing to people while all is well", async () => {
    const { house: parts, log, told } = house([null, null]);
    await openUpkeep(parts, log).scrub(never);
    assert.deepEqual(told, []);
  });

  it("says how many unfinished uploads it took back, and leaves what the bucket refuses to the next time", async () => {
    const { house: parts, log, lines } = house([]);
    const refused = new Failure("remote-refused", "It may not do that.");
    const answers = [async () => 2, async () => 0, () => Promise.reject(refused)];
    for (const sweepStore of answers) await openUpkeep({ ...parts, sweepStore }, log).sweep(never);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /"uploads":2.*unfinished uploads taken back/);
  });

  it("copies the catalog once a day, however often it is started, by whatever clock the last copy was made", async () => {
    const { house: parts, log, backups } = house([]);
    const hour = 3_600_000;
    for (const [agoMs, made] of [
      [1 * hour, 0],
      [23 * hour, 0],
      [25 * hour, 1],
      [-2 * hour, 2],
      [Date.now(), 3],
    ] as const) {
      await openUpkeep({ ...parts, lastBackUpMs: () => Date.now() - agoMs }, log).backUpDaily();
      assert.equal(backups(), made, `${agoMs / hour} hours old`);
    }
  });

  it("has a round for each start of the machine and each day that it is up, and none between, whatever process asks", async () => {
    const { house: parts, log, lines } = house([null]);
    const rounds = async (boot: string, uptimeSeconds: number) => {
      const before = lines.length;
      // A process of its own each time.
      await openUpkeep(parts, log, undefined, () => ({ boot, uptimeSeconds })).round(never);
      return lines.slice(before).filter((line) => line.includes("originals read back")).length;
    };
    const day = 86_400;
    for (const [boot, uptime, expected] of [
      ["first", 180, 1],
      ["first", 900, 0],
      ["first", 180 + day - 1, 0],
      ["first", 180 + day, 1],
      ["second", 180, 1],
      ["second", 1800, 0],
      ["third", 200, 1],
    ] as const)
      assert.equal(await rounds(boot, uptime), expected, `${boot} start, up for ${uptime} s`);
  });

  it("has the round again that was broken off", async () => {
    const { house: parts, log, lines } = house([null]);
    const moment = () => ({ boot: "first", uptimeSeconds: 200 });
    const stop = new AbortController();
    stop.abort(new Error("a card is in"));
    await assert.rejects(openUpkeep(parts, log, undefined, moment).round(stop.signal), /a card is in/);
    await openUpkeep(parts, log, undefined, moment).round(never);
    assert.equal(lines.filter((line) => line.includes("originals read back")).length, 1);
  });

  it("copies the catalog once a day, and again at the next card when a copy failed", async () => {
    const { house: parts, log, lines, backups } = house([]);
    let nowMs = 5;
    const upkeep = openUpkeep(parts, log, () => nowMs);
    await upkeep.backUpDaily();
    await upkeep.backUpDaily();
    assert.equal(backups(), 1);
    nowMs += 86_400_000;
    await upkeep.backUpDaily();
    assert.equal(backups(), 2);
    const failing = { ...parts, backUp: () => Promise.reject(new Failure("disk-full", "No room.")) };
    const broken = openUpkeep(failing as House, log, () => nowMs);
    await broken.backUpDaily();
    await broken.backUpDaily();
    assert.equal(lines.filter((line) => line.includes("No room.")).length, 2);
  });
});
