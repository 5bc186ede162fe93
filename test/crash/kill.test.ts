import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeCard, picture } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

/** `GHOSTROLL_KILLS=200 npm run test:crash` is the long form. */
const KILLS = Number(process.env["GHOSTROLL_KILLS"] ?? 20);
const PICTURES = 48;

/** Pictures, a duplicate of one under another name, and a large file, so that kills land in the middle of a copy too. */
async function card(folder: string): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < PICTURES; n++)
    files[`DCIM/100CANON/IMG_${String(n).padStart(4, "0")}.JPG`] = await picture(n);
  files["DCIM/101CANON/COPY.JPG"] = await picture(3);
  files["DCIM/101CANON/MVI_0001.MOV"] = Buffer.concat([
    Buffer.from("\0\0\0\x14ftypqt  "),
    randomBytes(60_000_000),
  ]);
  return await makeCard(folder, files);
}

describe("a process that is killed at any moment", () => {
  it(`loses nothing, doubles nothing and completes its gallery: ${KILLS} kills`, {
    timeout: 60_000 + KILLS * 15_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const source = await card(join(folder, "card"));
    const onCard = new Set((await hashesBelow(source)).values());
    const ingest = (base: string) => ["ingest", source, "--base-dir", base, "--no-serve"];

    const startedMs = performance.now();
    assert.equal((await ghostroll(ingest(join(folder, "measured")))).code, 0);
    const wholeMs = performance.now() - startedMs;

    let [kills, library, landed] = [0, 0, 0];
    while (kills < KILLS) {
      const base = join(folder, `library-${library++}`);
      for (let isDone = false; !isDone; ) {
        const run = start(ingest(base));
        const atMs = kills < KILLS ? randomInt(100, Math.ceil(wholeMs)) : Number.POSITIVE_INFINITY;
        if (Number.isFinite(atMs)) await Promise.race([delay(atMs), run.ended]);
        const wasRunning = run.child.exitCode === null;
        if (Number.isFinite(atMs)) run.child.kill("SIGKILL");
        const ended = await run.ended;
        if (ended.signal === "SIGKILL" && wasRunning) kills++;
        else assert.equal(ended.code, 0, ended.err);
        const { kept } = await assertSound(base, onCard);
        if (kept > 0 && kept < onCard.size) landed++;
        isDone = ended.code === 0;
      }
      await assertComplete(base, onCard, PICTURES + 1);
    }
    t.diagnostic(
      `${kills} kills over ${library} libraries, ${landed} of them with a part of the card kept: 0 lost, 0 doubled`,
    );
  });
});
