import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { askForHealth } from "../support/asking.ts";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { daemon, logOf, times, until } from "../support/daemon.ts";
import { exfatCard } from "../support/exfat-card.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 10;
const OTHERS = 120;
/** What is said of a card once everything on it is kept. */
const KEPT = "Every file on the card is kept";

describe("several cards at once", () => {
  it("are read side by side and all complete, whatever names and contents they share", {
    timeout: 120_000,
  }, async (t) => {
    const { media, base, launch, stop } = await daemon(t);
    const contents = new Set<string>();
    // The same contents in the same order, so that two cards bring the same one at the same moment.
    const shared = Array.from({ length: OTHERS }, () => randomBytes(300_000));
    for (const [card, name] of ["EOS", "NIKON", "SONY"].entries()) {
      const files: Record<string, Uint8Array> = {};
      for (let n = 0; n < PICTURES; n++)
        files[`DCIM/100CANON/IMG_${1000 + n}.JPG`] = await picture(n % 2 === 0 ? n : 100 * (card + 1) + n);
      for (const [n, bytes] of shared.entries())
        files[`DCIM/101CANON/MVI_${1000 + (card === 2 ? OTHERS - n : n)}.DAT`] = bytes;
      await makeCard(join(media, name), files);
    }
    for (const hash of (await hashesBelow(media)).values()) contents.add(hash);
    const run = launch();
    const isOver = (log: Parameters<typeof times>[0]) =>
      times(log, "gallery complete") === 3 && times(log, "card taken in") === 3;
    const log = await until(run, isOver, 90_000);
    const at = (words: string) =>
      log.filter(({ msg }) => msg.startsWith(words)).map(({ time }) => Date.parse(time));
    assert.ok(Math.max(...at("session opened")) < Math.min(...at(KEPT)), "side by side");
    await stop(run);
    const pictures = PICTURES / 2 + 3 * (PICTURES / 2);
    await assertComplete(base, contents, pictures);
  });

  it("wait for each other where only one may be read at once", async (t) => {
    const { media, base, launch, stop } = await daemon(t, { CARDS_AT_ONCE: "1" });
    await pictureCard(join(media, "EOS"), 6);
    await pictureCard(join(media, "NIKON"), 8);
    const contents = new Set((await hashesBelow(media)).values());
    const run = launch();
    const log = await until(run, (lines) => times(lines, "gallery complete") === 2);
    const order = log.flatMap(({ msg }) =>
      msg === "session opened" ? "in" : msg.startsWith(KEPT) ? "out" : [],
    );
    assert.deepEqual(order, ["in", "out", "in", "out"]);
    await stop(run);
    await assertComplete(base, contents, contents.size);
  });
});

const needsCard = lacks("mkfs.exfat", "mount.exfat-fuse") || lacksRoot();

/** A daemon that answers within this time, also on a machine that has much else to do, has waited for nothing. */
const AWAKE_MS = 2_000;

function assertAwake(
  t: TestContext,
  meanwhile: string,
  { answers, slowestMs }: { answers: number; slowestMs: number },
): void {
  t.diagnostic(`${answers} requests while ${meanwhile}, the slowest answered in ${slowestMs} ms`);
  assert.ok(answers > 10 && slowestMs < AWAKE_MS, `${slowestMs} ms`);
}

describe("a card that hangs", { skip: needsCard }, () => {
  it("is said not to respond, holds up no other card and nothing of the daemon, and goes on when it answers again", {
    timeout: 120_000,
  }, async (t) => {
    const card = await exfatCard(t, 64 * 2 ** 20);
    await card.insert("rw");
    const film = Buffer.concat([Buffer.from("\0\0\0\x14ftypqt  "), randomBytes(20_000_000)]);
    await makeCard(card.root, {
      "DCIM/100CANON/MVI_0001.MOV": film,
      "DCIM/100CANON/IMG_0002.JPG": await picture(50),
    });
    const contents = new Set((await hashesBelow(card.root)).values());
    card.eject();
    const shelf = await tempFolder(t);
    const { base, launch, stop } = await daemon(t, { MOUNT_ROOTS: `${dirname(card.root)},${shelf}` });
    const run = launch();
    const [{ web = "" } = {}] = await until(run, (log) => times(log, "waiting for cards") === 1);
    await card.insert("ro");
    await until(run, (log) => times(log, "card listed") === 1);
    card.hang();
    const stopAsking = askForHealth(web);
    await pictureCard(join(shelf, "GOOD"), 6);
    for (const hash of (await hashesBelow(shelf)).values()) contents.add(hash);
    await until(run, (log) => times(log, "card taken in", "GOOD") === 1);
    await until(run, (log) => log.some(({ msg }) => msg.includes("does not respond")), 40_000);
    assert.equal(times(logOf(run), "card taken in"), 1, "only the good one");
    assertAwake(t, "a card hangs", await stopAsking());
    card.answer();
    const log = await until(run, (lines) => times(lines, "gallery complete") === 2, 60_000);
    assert.ok(log.some(({ msg }) => msg.includes("responds again")));
    await stop(run);
    await assertComplete(base, contents, 8);
  });

  it("does not keep the daemon from ending", async (t) => {
    const card = await exfatCard(t, 96 * 2 ** 20);
    await card.insert("rw");
    await makeCard(card.root, { "DCIM/100CANON/MVI_0001.MOV": randomBytes(60_000_000) });
    card.eject();
    const { launch } = await daemon(t, { MOUNT_ROOTS: dirname(card.root) });
    const run = launch();
    await until(run, (log) => times(log, "waiting for cards") === 1);
    await card.insert("ro");
    await until(run, (log) => times(log, "card listed") === 1);
    card.hang();
    const startedMs = performance.now();
    run.child.kill("SIGTERM");
    const { code } = await run.ended;
    t.diagnostic(`ended ${((performance.now() - startedMs) / 1000).toFixed(1)} s after the signal`);
    assert.equal(code, 0, run.out());
    assert.ok(performance.now() - startedMs < 20_000);
  });
});

describe("an lsblk", () => {
  for (const [how, script] of [
    ["hangs", "sleep 300"],
    ["prints garbage", "head -c 100000 /dev/urandom"],
    ["floods", "yes '{'"],
    [
      "lies",
      `echo '{"blockdevices":[{"name":"/dev/zram0","kname":"/dev/zram0","rm":true,"hotplug":true,"subsystems":"block"},{"name":"/dev/vda","kname":"/dev/vda","rm":true,"hotplug":true,"subsystems":"block:scsi:usb:pci"}]}'`,
    ],
  ] as const)
    it(`that ${how} changes nothing for a card below a mount root, and makes no card of anything else`, async (t) => {
      const { media, base, launch, stop } = await daemon(t);
      const bin = await tempFolder(t);
      await writeFile(join(bin, "lsblk"), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, "lsblk"), 0o755);
      await mkdir(join(media, "Documents"));
      await pictureCard(join(media, "EOS"), 4);
      const contents = new Set((await hashesBelow(media)).values());
      const run = launch({ env: { PATH: `${bin}${delimiter}${process.env["PATH"]}` } });
      const [{ web = "" } = {}] = await until(run, (lines) => times(lines, "waiting for cards") === 1);
      const stopAsking = askForHealth(web);
      const log = await until(run, (lines) => times(lines, "gallery complete") === 1);
      assert.equal(times(log, "card inserted"), 1);
      assertAwake(t, `an lsblk ${how}`, await stopAsking());
      await stop(run);
      await assertComplete(base, contents, 4);
    });
});
