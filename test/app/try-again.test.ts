import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
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

  it("brings everything else to its guests where one gallery cannot be read, and says which failure that is", async (t) => {
    const folder = await tempFolder(t);
    const server = await startFlakyS3("photos");
    t.after(() => server.close());
    const env = {
      GHOSTROLL_BASE_DIR: join(folder, "library"),
      GHOSTROLL_RESERVE_MB: "0",
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_UPLOAD_ORIGINALS: "all",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    for (const [index, more] of [["--gallery", "party"], []].entries()) {
      const card = await pictureCard(join(folder, `CARD${index}`), 2, 2 * index);
      const away = { ...env, GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:1" };
      assert.equal((await ghostroll(["ingest", card, ...more], { env: away })).code, 75);
    }
    // What another version of GhostRoll would write.
    server.place("ghostroll/galleries/party", Buffer.from("party"));
    const online = { ...env, GHOSTROLL_S3_ENDPOINT: server.endpoint };
    const { code, out, err } = await ghostroll(["retry", "--json"], { env: online });
    assert.equal(code, 75, out + err);
    const { completed, undelivered } = JSON.parse(out) as Tried & { undelivered: { code: string } };
    assert.deepEqual([completed.length, undelivered.code], [1, "remote-corrupt"]);
    const stored = [...server.objects.keys()];
    assert.equal(stored.filter((key) => key.endsWith(".zip")).length, 1);
    assert.equal(stored.filter((key) => key.includes("/originals/")).length, 4);

    const next = await pictureCard(join(folder, "NEXT"), 2, 4);
    const ingested = await ghostroll(["ingest", next], { env: online });
    assert.equal(ingested.code, 75, ingested.out + ingested.err);
    assert.match(ingested.out, /Not every gallery is complete: .*cannot be read/);
    assert.match(ingested.out, /All 6 originals are in the bucket too/);
  });
});
