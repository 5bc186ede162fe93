import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeCard, picture } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

interface Tried {
  readonly pictures: number;
  readonly damaged: number;
  readonly completed: readonly string[];
}

describe("ghostroll retry", () => {
  it("makes pictures again that could not be made, completes their gallery, and finds nothing to do after that", async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const card = await makeCard(join(folder, "card"), {
      "DCIM/LARGE.JPG": await picture(1, { width: 1500, height: 1000 }),
      "DCIM/SMALL.JPG": await picture(2),
    });
    const run = (...args: string[]) => ghostroll([...args, "--base-dir", base]);
    const retry = async (...args: string[]) => {
      const { code, out, err } = await run("retry", "--json", ...args);
      assert.equal(err, "");
      return { code, ...(JSON.parse(out) as Tried) };
    };
    // Refused by its size now, and not later.
    assert.equal((await run("ingest", card, "--no-serve", "--set", "MAX_MEGAPIXELS=1")).code, 3);
    const still = await retry("--set", "MAX_MEGAPIXELS=1");
    assert.deepEqual([still.code, still.pictures, still.damaged, still.completed.length], [3, 1, 1, 1]);
    const [name = ""] = still.completed;
    const { code, pictures, damaged, completed } = await retry(name);
    assert.deepEqual(
      { code, pictures, damaged, completed },
      { code: 0, pictures: 1, damaged: 0, completed: [name] },
    );
    await assertComplete(base, new Set((await hashesBelow(card)).values()), 2);
    assert.match((await run("retry")).out, /^Nothing to try again/);
    const unknown = await run("retry", `${name}x`);
    assert.deepEqual([unknown.code, unknown.err.includes(`did you mean ${name}?`)], [64, true], unknown.err);
  });
});
