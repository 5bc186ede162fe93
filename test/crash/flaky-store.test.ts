import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pictureCard } from "../support/card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { FlakyS3, Odds } from "../support/flaky-s3.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
import { assertDelivered } from "../support/gallery-in-store.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertNothingLeft, assertSound, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

const KILLS = IS_LONG ? 200 : 14;
const PICTURES = 30;
/** More, and the last ones would find a gallery that is complete. */
const KILLS_A_LIBRARY = 6;
/** A gallery of this card takes some 150 requests. A kill comes after at most so many, wherever they are on their way. */
const MOST_REQUESTS = 50;
/** A run in which a request is never answered is killed after this. */
const STUCK_MS = 10_000;
/** An eighth of all requests goes wrong. A hole holds a request for a minute: in most cases until the kill. */
const ODDS: Odds = { busy: 0.015, cutBefore: 0.03, cutAfter: 0.03, truncated: 0.02, slow: 0.03, hole: 0.002 };
const BUCKET = "photos";

/** Until so many requests have come, the process has ended, or nothing goes on. */
async function someRequests(server: FlakyS3, { child }: Running, count: number): Promise<void> {
  const enough = server.requests + count;
  const untilMs = performance.now() + STUCK_MS;
  while (server.requests < enough && child.exitCode === null && performance.now() < untilMs) await delay(1);
}

describe("a process that is killed at any moment while its S3 server misbehaves", () => {
  it(`claims nothing that is not there, and converges: ${KILLS} kills`, {
    timeout: 60_000 + KILLS * 30_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const source = await pictureCard(join(folder, "card"), PICTURES);
    const onCard = new Set((await hashesBelow(source)).values());
    const seed = randomInt(2 ** 31);
    const server = await startFlakyS3(BUCKET, { seed });
    t.after(() => server.close());
    t.diagnostic(`seed ${seed}`);
    const env = {
      GHOSTROLL_S3_BUCKET: BUCKET,
      GHOSTROLL_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    const ingest = (base: string) => ["ingest", source, "--base-dir", base, "--set", "RESERVE_MB=0"];
    const look = async (base: string) => {
      // What a killed client has sent may arrive after its end.
      await server.quiet();
      await assertSound(base, onCard);
      const catalog = join(base, "ghostroll.db");
      if (!existsSync(catalog)) return { uploaded: 0, tiles: 0, complete: 0 };
      return assertDelivered(catalog, server, BUCKET, "ghostroll/");
    };

    let [kills, midway, stopped, libraries, runs] = [0, 0, 0, 0, 0];
    while (kills < KILLS) {
      const base = join(folder, `library-${libraries++}`);
      server.misbehave(ODDS);
      for (let killsHere = 0; killsHere < KILLS_A_LIBRARY && kills < KILLS; ) {
        assert.ok(runs++ < KILLS * 5, "the server stops it so often that there is nothing to kill");
        const run = start(ingest(base), { env });
        await someRequests(server, run, randomInt(1, MOST_REQUESTS));
        run.child.kill("SIGKILL");
        const { signal, code, out, err } = await run.ended;
        const { uploaded, complete } = await look(base);
        if (signal === null) {
          // It stopped by itself: done, or told to come back later. That the server is to blame must not cost a photo.
          assert.ok(code === 0 || code === 75, `${code}\n${out}${err}`);
          if (code === 0) break;
          assert.match(out, /Every file on the card is kept|Nothing new/);
          stopped++;
          continue;
        }
        [kills, killsHere] = [kills + 1, killsHere + 1];
        if (uploaded > 0 && complete === 0) midway++;
      }
      server.misbehave({});
      const last = await ghostroll(ingest(base), { env });
      assert.equal(last.code, 0, last.out + last.err);
      const { uploaded, tiles, complete } = await look(base);
      await assertNothingLeft(base, onCard);
      assert.deepEqual([uploaded, tiles, complete], [PICTURES, PICTURES, 1]);
    }

    const { dealt } = server;
    t.diagnostic(
      `${server.requests} requests, ${JSON.stringify(dealt)}; ${stopped} runs were stopped by the server, ${libraries} libraries`,
    );
    const open = server.openUploads();
    t.diagnostic(`${open.length} trial uploads left open by kills, none with a part in it`);
    // `checkAccess` begins an upload under a name of its own and takes it back; a kill in between leaves it, without a byte.
    for (const { key, parts } of open) assert.ok(parts === 0 && key.includes("/.ghostroll-"), key);
    report(t, {
      harness: "SIGKILL, misbehaving S3 server",
      tried: kills,
      hit: midway,
    });
    assert.ok(
      midway >= KILLS / 4,
      `only ${midway} of ${kills} kills hit uploads under way: nothing was tested`,
    );
    const faults = Object.values(dealt);
    assert.ok(
      faults.reduce((sum, times) => sum + times, 0) > KILLS,
      "hardly anything went wrong at the server",
    );
    if (IS_LONG) assert.ok(Math.min(...faults) > 0, "one kind of fault was never dealt");
  });
});
