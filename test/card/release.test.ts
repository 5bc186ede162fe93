import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { releaseCard } from "../../src/card/release.ts";
import { tempFolder } from "../support/temp.ts";

const skip = process.getuid?.() !== 0 && "mounting needs root";

async function mountedCard(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  const places = { cards: join(folder, "cards"), requests: join(folder, "release") };
  const root = join(places.cards, "CARD");
  t.after(async () => {
    // Some tests have unmounted it.
    spawnSync("umount", [root]);
    await rm(folder, { recursive: true });
  });
  await mkdir(root, { recursive: true });
  await mkdir(places.requests);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", root]);
  return { root, places, signal: new AbortController().signal };
}

describe("releasing a card", () => {
  it("is done when the card is gone from the mounts", { skip }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    const released = releaseCard(root, { signal, places });
    while ((await readdir(places.requests)).length === 0) await delay(10);
    assert.deepEqual(await readdir(places.requests), ["CARD"]);
    execFileSync("umount", [root]);
    assert.equal(await released, "done");
  });

  it("is not claimed while the card is mounted, and the request does not outlive the answer", {
    skip,
  }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    assert.equal(await releaseCard(root, { signal, places, deadlineMs: 300 }), "failed");
    assert.deepEqual(await readdir(places.requests), []);
  });

  it("is not asked for of a card that somebody else mounted, nor where nobody would do it", async (t) => {
    const folder = await tempFolder(t);
    const places = { cards: join(folder, "cards"), requests: join(folder, "missing") };
    const { signal } = new AbortController();
    assert.equal(await releaseCard("/media/pi/CARD", { signal, places }), "not-ours");
    assert.equal(await releaseCard(join(places.cards, "CARD"), { signal, places }), "not-ours");
  });
});
