import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { identifyRoot } from "../../src/card/identify-volume.ts";
import peek from "../../src/card/peek-task.ts";
import type { CardEvent } from "../../src/card/watcher.ts";
import { watchCards } from "../../src/card/watcher.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const skip = lacks("mkfs.ext4") || lacksRoot();
const UUID = "0a0b0c0d-1111-2222-3333-444455556666";
const files = { "DCIM/100CANON/IMG_0001.JPG": "one" };

/** Follows the cards below a folder. */
async function follow(t: TestContext, options: Partial<Parameters<typeof watchCards>[0]> = {}) {
  const media = await realpath(await tempFolder(t));
  const stop = new AbortController();
  const events: CardEvent[] = [];
  let scans = 0;
  const watching = (async () => {
    for await (const event of watchCards({
      mountRoots: [media],
      labels: [],
      own: [],
      peek: { run: async (request) => peek(request) },
      signal: stop.signal,
      onScan: () => scans++,
      ...options,
    }))
      events.push(event);
  })();
  t.after(async () => {
    stop.abort();
    await watching;
  });
  const until = async (count: number) => {
    for (const untilMs = performance.now() + 10_000; events.length < count; await delay(10))
      assert.ok(performance.now() < untilMs, `${events.length} of ${count} events`);
    return events.map(({ kind, volume }) => `${kind} ${basename(volume.root)}`);
  };
  /** So many more scans come to their end. */
  const scanned = async (count: number) => {
    for (const untilScan = scans + count; scans < untilScan; ) await delay(10);
  };
  return { media, events, until, scanned };
}

describe("which card it is", { skip }, () => {
  it("two cards with one UUID are two cards, each told by its own device", async (t) => {
    const [one, two] = [await loopCard(t, files, { uuid: UUID }), await loopCard(t, files, { uuid: UUID })];
    const { media, until, events } = await follow(t);
    await one.insert(join(media, "ONE"));
    await two.insert(join(media, "TWO"));
    const said = await until(2);
    assert.deepEqual(said.toSorted(), ["inserted ONE", "inserted TWO"]);
    assert.notEqual(events[0]?.volume.medium, events[1]?.volume.medium);
    assert.notEqual(events[0]?.reader, events[1]?.reader);
    // One link in /dev/disk/by-uuid can lead to one of them only; the database has an entry for each.
    const udev = await tempFolder(t);
    for (const { device } of [one, two]) {
      const number = readFileSync(`/sys/class/block/${basename(device)}/dev`, "utf8").trim();
      await writeFile(
        join(udev, `b${number}`),
        `I:1\nE:ID_FS_UUID=x\nE:ID_FS_UUID_ENC=${UUID}\nE:ID_FS_LABEL_ENC=EOS\\x20R5\n`,
      );
    }
    const volumes = await Promise.all(
      ["ONE", "TWO"].map(async (name) => identifyRoot(join(media, name), udev)),
    );
    assert.deepEqual(
      volumes.map(({ label }) => label),
      ["EOS R5", "EOS R5"],
    );
    assert.equal(volumes[0]?.id, volumes[1]?.id, "what is known of one may save reading the other");
    assert.notEqual(volumes[0]?.medium, volumes[1]?.medium);
  });

  it("a card swapped for another between two scans is noticed", async (t) => {
    const [one, two] = [await loopCard(t, files), await loopCard(t, files)];
    const { media, until, events } = await follow(t, { hints: null });
    const target = join(media, "EOS");
    await one.insert(target);
    await until(1);
    execFileSync("umount", [target]);
    await two.insert(target);
    const said = await until(3);
    assert.deepEqual(said, ["inserted EOS", "unmounted EOS", "inserted EOS"]);
    assert.notEqual(events[0]?.volume.medium, events[2]?.volume.medium);
  });

  it("a card that is unmounted is not removed before it is out of its reader, and not at all when it is mounted again", async (t) => {
    const card = await loopCard(t, files);
    const { media, until, scanned, events } = await follow(t);
    const target = join(media, "EOS");
    await card.insert(target);
    await until(1);
    await card.remove(target);
    await until(2);
    await card.insert(target);
    await until(3);
    await card.remove(target);
    await until(4);
    await scanned(2);
    assert.equal(events.length, 4);
    card.eject();
    const said = await until(5);
    assert.deepEqual(said, ["inserted EOS", "unmounted EOS", "inserted EOS", "unmounted EOS", "removed EOS"]);
    await scanned(2);
    assert.equal(events.length, 5, "once");
  });

  it("a card swapped below a mount that stays is gone, and what the mount shows is not believed until it is mounted again", async (t) => {
    const [one, two] = [await loopCard(t, files), await loopCard(t, files)];
    const { media, until, scanned, events } = await follow(t);
    const target = join(media, "EOS");
    one.reattachReadOnly();
    await one.insert(target);
    await until(1);
    one.swapFor(two.image);
    await until(2);
    await scanned(3);
    assert.equal(events.length, 2, "inserted, removed");
    execFileSync("umount", [target]);
    await one.insert(target);
    assert.deepEqual(await until(3), ["inserted EOS", "removed EOS", "inserted EOS"]);
  });

  it("nothing on the disk the machine runs from, and no swap, is ever a card", async (t) => {
    const { media, scanned, events } = await follow(t);
    const own = await tempFolder(t);
    await mkdir(join(own, "DCIM"));
    const target = join(media, "BOUND");
    await mkdir(target);
    const zram = swapOnZram(t);
    execFileSync("mount", ["--bind", own, target]);
    try {
      await scanned(3);
    } finally {
      execFileSync("umount", [target]);
    }
    assert.deepEqual(events, []);
    t.diagnostic(`bound from the disk of /, with swap on ${zram ?? "nothing: no zram here"}`);
  });
});

/** Swap on compressed memory, as Raspberry Pi OS has it: drivelist takes it for a removable drive. `null` where there is no zram. */
function swapOnZram(t: TestContext): string | null {
  try {
    const number = readFileSync("/sys/class/zram-control/hot_add", "utf8").trim();
    const device = `/dev/zram${number}`;
    let isOn = false;
    t.after(() => {
      if (isOn) execFileSync("swapoff", [device]);
      execFileSync("sh", ["-c", `echo ${number} > /sys/class/zram-control/hot_remove`]);
    });
    execFileSync("sh", ["-c", `echo 16M > /sys/block/zram${number}/disksize`]);
    execFileSync("mkswap", [device], { stdio: "ignore" });
    execFileSync("swapon", [device]);
    isOn = true;
    return device;
  } catch {
    return null;
  }
}
