import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { keys } from "../../src/domain/layout.ts";
import { failure } from "../contracts/new-object.ts";
import { DAY_MS, deliveredGallery, START_MS } from "../support/delivered-gallery.ts";
import { tempFolder } from "../support/temp.ts";
import type { FiveThousand } from "./sign-again/five-thousand.ts";

const run = promisify(execFile);

async function gallery(t: TestContext, photos: number, isBehindAnother = false) {
  const delivered = deliveredGallery(await tempFolder(t), photos, isBehindAnother);
  t.after(() => delivered.catalog.close());
  return delivered;
}

describe("a gallery that is signed again", () => {
  it("of 5,000 photos on the same day costs no put and, in a process of its own, two seconds at most", async (t) => {
    const child = join(import.meta.dirname, "sign-again/five-thousand.ts");
    const { stdout } = await run(process.execPath, [child, await tempFolder(t)]);
    const { published, puts, wallMs, cpuMs } = JSON.parse(stdout) as FiveThousand;
    t.diagnostic(
      `5,000 photos signed again: ${puts} puts, ${wallMs} ms, ${cpuMs} ms of processor, load ${loadavg()[0]?.toFixed(1)}`,
    );
    assert.ok(published > 140);
    assert.equal(puts, 0);
    assert.ok(cpuMs <= 2000, `${cpuMs} ms of processor`);
  });

  it("changes pages and no picture: the next day, and at once when the keys are others", async (t) => {
    const { session, put, ...again } = await gallery(t, 100);
    await again.publish(START_MS);
    put();
    for (const [nowMs, other] of [
      [START_MS + DAY_MS, {}],
      [START_MS + DAY_MS, { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "rotated" } }],
    ] as const) {
      assert.deepEqual(await again.signAgain(nowMs, other), [session.name]);
      const changed = put();
      // Two chunks, two numbered pages, index and shell.
      assert.equal(changed.length, 6, changed.join());
      assert.equal(changed.at(-1), `g/${session.slug}/v`, "what others refer to comes first");
      assert.deepEqual([await again.signAgain(nowMs, other), put()], [[], []]);
    }
  });

  it("is left alone once the link that guests have has ended, until it is renewed", async (t) => {
    const { catalog, session, put, ...again } = await gallery(t, 3);
    await again.publish(START_MS);
    put();
    const late = START_MS + 8 * DAY_MS;
    assert.deepEqual([await again.signAgain(late), put()], [[], []]);
    catalog.renew(session.id);
    assert.deepEqual(await again.signAgain(late), [session.name]);
    assert.equal(catalog.published()[0]?.linkEndsMs, Date.UTC(2026, 10, 28) + 7 * DAY_MS);
  });

  it("is not, while the clock was never set: nothing is put", async (t) => {
    const { put, ...again } = await gallery(t, 3);
    await again.publish(START_MS);
    put();
    // Nobody there says what time it is, either.
    const away = { endpoint: "http://127.0.0.1:9", forcePathStyle: true };
    await assert.rejects(again.signAgain(Date.UTC(1970, 0, 1), away), failure("clock-unset"));
    assert.deepEqual(put(), []);
  });

  it("is so behind one that cannot be, for which a failure is told", async (t) => {
    const { session, put, ...again } = await gallery(t, 3, true);
    await again.publish(START_MS);
    put();
    await assert.rejects(again.signAgain(START_MS + DAY_MS), failure("remote-corrupt"));
    assert.equal(put().at(-1), keys.shell(session.slug));
  });
});
