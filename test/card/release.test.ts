import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readMounts } from "../../src/card/mounts.ts";
import { mediumOf } from "../../src/card/presence.ts";
import { releaseCard } from "../../src/card/release.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const skip = lacksRoot();

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

/** The device of what is mounted there, as the kernel numbers it. */
async function deviceAt(root: string): Promise<string | undefined> {
  return (await readMounts()).findLast(({ target }) => target === root)?.device;
}

describe("releasing a card", () => {
  it("is done when the card is gone from the mounts", { skip }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    const released = releaseCard({ root }, { signal, places });
    while ((await readdir(places.requests)).length === 0) await delay(10);
    // Memory has no media that the kernel could count.
    assert.deepEqual(await readdir(places.requests), [`${await deviceAt(root)}::CARD`]);
    execFileSync("umount", [root]);
    assert.equal(await released, "done");
  });

  it("names the device and the medium, so that no other card of that name is meant", {
    skip: lacksRoot() || lacks("mkfs.ext4"),
  }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    execFileSync("umount", [root]);
    const card = await loopCard(t, { "DCIM/IMG_0001.JPG": "a" });
    await card.insert(root);
    const released = releaseCard({ root, medium: await mediumOf(root) }, { signal, places, deadlineMs: 300 });
    while ((await readdir(places.requests)).length === 0) await delay(10);
    const sequence = (await readFile(`/sys/block/${basename(card.device)}/diskseq`, "utf8")).trim();
    assert.deepEqual(await readdir(places.requests), [`${await deviceAt(root)}:${sequence}:CARD`]);
    await released;
    await card.remove(root);
  });

  it("is not asked for when another card is there by now, nor waits for that one", {
    skip: lacksRoot() || lacks("mkfs.ext4"),
  }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    const another = await loopCard(t, { "DCIM/IMG_0001.JPG": "a" });
    const medium = await mediumOf(root);
    const released = releaseCard({ root, medium }, { signal, places });
    while ((await readdir(places.requests)).length === 0) await delay(10);
    execFileSync("umount", [root]);
    await another.insert(root);
    assert.equal(await released, "done");
    const [request = ""] = await readdir(places.requests);
    await rm(join(places.requests, request));
    assert.equal(await releaseCard({ root, medium }, { signal, places }), "not-ours");
    assert.deepEqual(await readdir(places.requests), []);
    await another.remove(root);
  });

  it("is not claimed while the card is mounted, and the request does not outlive the answer", {
    skip,
  }, async (t) => {
    const { root, places, signal } = await mountedCard(t);
    assert.equal(await releaseCard({ root }, { signal, places, deadlineMs: 300 }), "failed");
    assert.deepEqual(await readdir(places.requests), []);
  });

  it("is not asked for of a card that somebody else mounted, nor where nobody would do it", async (t) => {
    const folder = await tempFolder(t);
    const places = { cards: join(folder, "cards"), requests: join(folder, "missing") };
    const { signal } = new AbortController();
    assert.equal(await releaseCard({ root: "/media/pi/CARD" }, { signal, places }), "not-ours");
    assert.equal(await releaseCard({ root: join(places.cards, "CARD") }, { signal, places }), "not-ours");
  });
});
