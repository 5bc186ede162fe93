import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { pictureCard } from "../support/card.ts";
import { clock } from "../support/clock.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

/** So much faster the daemon's timers run: three minutes of rest are six seconds. */
const FASTER = 30;
const SOON_MS = 60_000;
/** More than ten minutes of the daemon's: it has asked again whether a round is due. */
const LATER_MS = 25_000;

describe("a box that is on for half an hour at a time", { skip: lacks("faketime") }, () => {
  it("reads a share of its originals back at each start, says what has rotted, and does it once", {
    timeout: 4 * SOON_MS,
  }, async (t) => {
    const folder = await tempFolder(t);
    const [base, roots] = [join(folder, "library"), join(folder, "media")];
    await mkdir(roots);
    const card = await pictureCard(join(folder, "card"), 1);
    assert.equal((await ghostroll(["ingest", card, "--base-dir", base, "--no-serve"])).code, 0);
    const [original = ""] = [...(await hashesBelow(base)).keys()].filter((path) => path.endsWith(".JPG"));
    await writeFile(original, "rotten");

    const flags = { MOUNT_ROOTS: roots, BASE_DIR: base, WEB_PORT: "0" };
    const env = clock({ FAKETIME: `+0 x${FASTER}`, FAKETIME_DONT_FAKE_MONOTONIC: "0" });
    /** Runs the daemon until it has said it, or for so long; returns what it said. */
    const watch = async (words: string, ms: number) => {
      const run = start(
        ["watch", ...Object.entries(flags).flatMap(([key, value]) => ["--set", `${key}=${value}`])],
        { env },
      );
      t.after(() => void run.child.kill("SIGKILL"));
      const endMs = performance.now() + ms;
      while (!run.out().includes(words) && performance.now() < endMs) await delay(50);
      // The round is written down after what it found was told.
      await delay(500);
      run.child.kill("SIGTERM");
      const { code, out, err } = await run.ended;
      assert.equal(code, 0, out + err);
      return out;
    };

    const readBack = '"msg":"originals read back"';
    const first = await watch(readBack, SOON_MS);
    assert.match(first, /"originals read back"/);
    assert.match(first, /"finding":"changed","msg":"an original is not as it was kept"/);
    assert.doesNotMatch(await watch(readBack, LATER_MS), /"originals read back"/);
    // As after the next start of the machine.
    const catalog = new Database(join(base, "ghostroll.db"));
    catalog.prepare("UPDATE upkeep_round SET boot = 'the one before'").run();
    catalog.close();
    assert.match(await watch(readBack, SOON_MS), /"originals read back"/);
  });
});
