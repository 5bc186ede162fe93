import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { daemon, times, until } from "../support/daemon.ts";
import { sha256 } from "../support/invariants.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";

const MOUNT_CARD = join(import.meta.dirname, "../../systemd/mount-card");
const CARDS = "/run/ghostroll/cards";
const CYCLES = 20;
const SETTLED_CYCLE = 5;
/** V8 keeps what it has once had; a leak of one card's listing or buffers would be more in 15 cycles. */
const GROWTH_MIB = 32;
/** No pictures, so that nothing is rendered: what is looked at here is the card's side. */
const files = () =>
  Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [`DCIM/100CANON/SND_000${n}.WAV`, randomBytes(500_000)]),
  );

/** What a process holds, as the kernel counts it. */
function holdingsOf(pid: number) {
  const read = (path: string) => readFileSync(`/proc/${pid}/${path}`, "utf8");
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => read(`task/${thread}/children`).split(" "))
    .filter(Boolean).length;
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    mounts: read("mountinfo")
      .split("\n")
      .filter((line) => line.includes(` ${CARDS}/`)).length,
    children,
    mib: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(read("status"))?.[1]) / 1024),
  };
}

describe("a card that is put in and taken out again and again", {
  skip: lacks("mkfs.ext4") || lacksRoot(),
}, () => {
  it(`${CYCLES} times through our own mount: nothing is left behind, and not a byte of the card is changed`, {
    timeout: 240_000,
  }, async (t) => {
    const card = await loopCard(t, files(), { label: "LEAK_TEST" });
    keepRunFolders(t);
    const name = basename(card.device);
    const mountCard = (what: "mount" | "unmount") =>
      execFileSync(MOUNT_CARD, [what, name], {
        env: { ...process.env, GHOSTROLL_CARD_FILESYSTEMS: "ext4" },
        stdio: "ignore",
      });
    t.after(() => mountCard("unmount"));
    const before = sha256(await readFile(card.image));
    const { launch, stop } = await daemon(t, { MOUNT_ROOTS: CARDS, RESCAN: "full" });
    const run = launch();
    const pid = run.child.pid ?? 0;
    await until(run, (log) => times(log, "waiting for cards") === 1);
    await delay(2_000);
    const first = holdingsOf(pid);
    let settledMib = 0;
    for (let cycle = 1; cycle <= CYCLES; cycle++) {
      mountCard("mount");
      await until(run, (log) => times(log, "card taken in") === cycle);
      mountCard("unmount");
      await until(run, (log) => times(log, "card unmounted") === cycle);
      if (cycle === SETTLED_CYCLE) settledMib = holdingsOf(pid).mib;
    }
    // The processes that read cards end when they have been idle.
    const untilMs = performance.now() + 30_000;
    while (holdingsOf(pid).children > first.children && performance.now() < untilMs) await delay(200);
    const last = holdingsOf(pid);
    const shown = ({ descriptors, mounts, children, mib }: typeof last) =>
      `${descriptors} descriptors, ${mounts} mounts, ${children} children, ${mib} MiB`;
    t.diagnostic(`before the first card: ${shown(first)}`);
    t.diagnostic(`after ${CYCLES} cards: ${shown(last)}; after ${SETTLED_CYCLE} it were ${settledMib} MiB`);
    assert.deepEqual([last.mounts, last.children], [first.mounts, first.children]);
    assert.ok(last.descriptors <= first.descriptors + 2, shown(last));
    assert.ok(last.mib - settledMib < GROWTH_MIB, `${settledMib} MiB grew to ${last.mib}`);
    assert.equal(sha256(await readFile(card.image)), before, "the card is as it was");
    await stop(run);
  });
});

describe("a card that somebody mounted writable", {
  skip: lacks("mkfs.ext4") || lacksRoot(),
}, () => {
  it("is taken in, warned about, and not written to, but for what the kernel notes of who has read it", {
    timeout: 120_000,
  }, async (t) => {
    for (const options of ["rw,noatime", "rw"]) {
      const card = await loopCard(t, files());
      const { media, launch, stop } = await daemon(t);
      const target = join(media, "EOS_DIGITAL");
      await card.insert(target, options);
      const written = () => {
        execFileSync("sync", ["--file-system", target]);
        return sectorsWritten(card.device);
      };
      // When the first file is opened, ext4 notes where it is mounted.
      await readFile(join(target, "DCIM/100CANON/SND_0000.WAV"));
      const before = written();
      const run = launch();
      const log = await until(run, (lines) => times(lines, "card taken in") === 1);
      assert.equal(times(log, "The card is mounted so that it can be written to"), 1);
      await stop(run);
      const more = written() - before;
      await card.remove(target);
      t.diagnostic(`mounted ${options}: ${more} sectors were written while it was taken in`);
      // Where times of access are kept, each file and folder that is read gets one, whoever reads it.
      if (options.includes("noatime")) assert.equal(more, 0);
    }
  });
});

/** How much was ever written to a device, as the kernel counts it (Documentation/block/stat.rst). */
function sectorsWritten(device: string): number {
  const stat = readFileSync(`/sys/block/${basename(device)}/stat`, "utf8");
  return Number(stat.trim().split(/\s+/)[6]);
}

/** Where mount-card mounts; what was not there before is taken away again. */
function keepRunFolders(t: TestContext): void {
  const made = mkdirSync(CARDS, { recursive: true });
  if (made === undefined) return;
  t.after(() => {
    for (const folder of [CARDS, "/run/ghostroll/media", "/run/ghostroll"])
      try {
        rmdirSync(folder);
      } catch {
        // Somebody else uses it by now.
      }
  });
}
