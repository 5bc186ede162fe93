import assert from "node:assert/strict";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { picture } from "../support/card.ts";
import { daemon, logOf, times, until } from "../support/daemon.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

/** What makes a file complete: three seconds more than a camera pauses here, since a busy machine pauses, too. */
const QUIET_SECONDS = 4;

async function dropping(t: TestContext) {
  const drop = await tempFolder(t);
  await mkdir(join(drop, "DCIM"));
  const camera = await daemon(t, { DROP_DIR: drop, DROP_QUIET_SECONDS: `${QUIET_SECONDS}` });
  return { drop, ...camera };
}

/** Sends a file as a camera on a bad Wi-Fi does: in pieces, with pauses shorter than what makes it complete. */
async function sendSlowly(path: string, bytes: Uint8Array, pieces: number): Promise<void> {
  const size = Math.ceil(bytes.length / pieces);
  for (let sent = 0; sent < bytes.length; sent += size) {
    await appendFile(path, bytes.subarray(sent, sent + size));
    await delay(1_000);
  }
}

describe("a drop folder", () => {
  it("has each file taken once it is whole, however slowly it comes, and a session for each burst", {
    timeout: 120_000,
  }, async (t) => {
    const { drop, base, launch, stop } = await dropping(t);
    const run = launch();
    await until(run, (log) => times(log, "waiting for cards") === 1);
    // The second is still on its way when the burst of the first one is over.
    await writeFile(join(drop, "DCIM/IMG_0001.JPG"), await picture(1));
    await sendSlowly(join(drop, "DCIM/IMG_0002.JPG"), await picture(2, { width: 3000, height: 2000 }), 9);
    await writeFile(join(drop, "IMG_0003.JPG"), await picture(3));
    await until(run, (log) => times(log, "gallery complete") === 2, 60_000);
    const contents = new Set((await hashesBelow(drop)).values());
    await stop(run);
    const log = logOf(run);
    assert.equal(times(log, "session opened"), 2);
    assert.deepEqual(
      log.filter(({ level }) => level === "warn" || level === "error"),
      [],
      run.out(),
    );
    // Not one half of a file was ever kept.
    await assertComplete(base, contents, 3);
  });

  it("goes on after a restart with what came meanwhile, and takes nothing twice", {
    timeout: 120_000,
  }, async (t) => {
    const { drop, base, launch, stop } = await dropping(t);
    await writeFile(join(drop, "IMG_0001.JPG"), await picture(1));
    const first = launch();
    await until(first, (log) => times(log, "gallery complete") === 1, 40_000);
    first.child.kill("SIGKILL");
    await first.ended;
    await writeFile(join(drop, "IMG_0002.JPG"), await picture(2));
    const second = launch();
    const log = await until(second, (lines) => times(lines, "gallery complete") === 1, 40_000);
    assert.equal(log.find(({ msg }) => msg === "card taken in" || msg === "card listed")?.["fresh"], 1);
    await stop(second);
    await assertComplete(base, new Set((await hashesBelow(drop)).values()), 2);
  });

  it("may be made later", { timeout: 60_000 }, async (t) => {
    const parent = await tempFolder(t);
    const drop = join(parent, "later");
    const { base, launch, stop } = await daemon(t, { DROP_DIR: drop, DROP_QUIET_SECONDS: "1" });
    const run = launch();
    await until(run, (log) => times(log, "waiting for cards") === 1);
    await delay(500);
    await mkdir(drop);
    await writeFile(join(drop, "IMG_0001.JPG"), await picture(1));
    await until(run, (log) => times(log, "gallery complete") === 1, 40_000);
    await stop(run);
    await assertComplete(base, new Set((await hashesBelow(drop)).values()), 1);
  });
});
