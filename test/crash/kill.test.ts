import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard, picture } from "../support/card.ts";
import { changingCard, INDEX_FILE } from "../support/changing-card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound } from "../support/invariants.ts";
import { assertRebuilds } from "../support/rebuilt.ts";
import { tempFolder } from "../support/temp.ts";

const KILLS = IS_LONG ? 200 : 20;
const PICTURES = 48;
/** More, and the last ones would only find an ingest that is nearly done. */
const KILLS_A_LIBRARY = 4;

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
  files[INDEX_FILE] = Buffer.from("index");
  return makeCard(folder, files);
}

describe("a process that is killed at any moment", () => {
  it(`loses nothing, doubles nothing and completes its gallery: ${KILLS} kills`, {
    timeout: 60_000 + KILLS * 20_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const source = await card(join(folder, "card"));
    // As a card, though it lies on the library's own disk: a folder there would be trusted by size and time.
    const ingest = (base: string) => [
      "ingest",
      source,
      "--base-dir",
      base,
      "--rescan",
      "sampled",
      "--no-serve",
    ];

    const startedMs = performance.now();
    assert.equal((await ghostroll(ingest(join(folder, "measured")))).code, 0);
    const wholeMs = performance.now() - startedMs;

    let [kills, libraries, midway, changes] = [0, 0, 0, 0];
    while (kills < KILLS) {
      const base = join(folder, `library-${libraries}`);
      // Every other card goes back into the camera after each kill.
      const isChanging = libraries++ % 2 === 1;
      const changing = changingCard(source);
      await changing.look();
      for (let killsHere = 0; killsHere < KILLS_A_LIBRARY && kills < KILLS; ) {
        const run = start(ingest(base));
        await Promise.race([delay(randomInt(Math.ceil(wholeMs / 8), Math.ceil(wholeMs * 0.7))), run.ended]);
        run.child.kill("SIGKILL");
        const { signal, code, err, out } = await run.ended;
        const { kept, published, hashes } = await assertSound(base, changing.ever);
        changing.assertKept(out, hashes);
        if (signal === null) {
          assert.equal(code, 0, err);
          break;
        }
        [kills, killsHere] = [kills + 1, killsHere + 1];
        if (kept > 0 && published < changing.contents().size) midway++;
        if (killsHere === KILLS_A_LIBRARY) await assertRebuilds(base);
        if (!isChanging) continue;
        await changing.change();
        changes++;
        await changing.look();
      }
      const last = await ghostroll([...ingest(base), "--json"]);
      assert.equal(last.code, 0, last.err);
      const { hashes, shown } = await assertSound(base, changing.ever);
      changing.assertKept(last.out, hashes);
      changing.assertCounted(JSON.parse(last.out) as Summary, base);
      // All but the camera's index is shown.
      if (!isChanging) assert.deepEqual([hashes, shown], [changing.contents(), hashes.size - 1]);
      await assertComplete(base, hashes, shown, undefined, changing.ever);
    }
    t.diagnostic(`the card was changed ${changes} times between a kill and the next run`);
    report(t, {
      harness: "SIGKILL at random",
      tried: kills,
      hit: midway,
    });
    assert.ok(
      midway >= KILLS / 4,
      `only ${midway} of ${kills} kills hit an ingest at work: nothing was tested`,
    );
  });
});
