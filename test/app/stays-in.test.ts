import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { smallTmpfs } from "../crash/full-disk/small-disk.ts";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { daemon, logOf, times, until } from "../support/daemon.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const needsRoot = lacksRoot();
const MIB = 2 ** 20;

/** A command for `GHOSTROLL_ON_EVENT` that writes down what it hears, and what it has heard. */
async function listener(t: Parameters<typeof tempFolder>[0]) {
  const folder = await tempFolder(t);
  const file = join(folder, "said");
  return {
    folder,
    command: `echo "$GHOSTROLL_EVENT|$GHOSTROLL_MESSAGE" >> ${file}`,
    heard: async () => (await readFile(file, "utf8").catch(() => "")).split("\n").slice(0, -1),
  };
}

describe("a card that stays in", () => {
  it("goes on by itself in the same session once the disk has room, and its trouble is told once", {
    skip: needsRoot,
    timeout: 120_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const disk = await smallTmpfs(folder, 96 * MIB);
    try {
      await disk.fill(8 * MIB);
      const { command, heard } = await listener(t);
      const base = join(disk.root, "library");
      const { media, launch, stop } = await daemon(t, { BASE_DIR: base, ON_EVENT: command });
      const card = await makeCard(join(media, "EOS"), {
        "DCIM/100CANON/IMG_0001.JPG": await picture(1),
        "DCIM/100CANON/MVI_0002.MOV": randomBytes(20 * MIB),
      });
      const run = launch();
      await until(run, (log) => times(log, "card listed") === 3);
      const trouble = logOf(run).filter(({ level }) => level === "error");
      assert.deepEqual(
        trouble.map(({ code }) => code),
        ["disk-full"],
      );
      assert.match(String(trouble[0]?.["hint"]), /by itself while the card stays in/);
      await disk.makeRoom();
      const log = await until(run, (lines) => times(lines, "gallery complete") === 1);
      assert.equal(new Set(log.flatMap(({ session }) => session ?? [])).size, 1);
      await until(run, (lines) => times(lines, "card taken in") === 1);
      await delay(7_000);
      await stop(run);
      assert.equal(times(logOf(run), "card taken in"), 1, "what is done is done");
      const events = (await heard()).map((line) => line.split("|")[0] ?? "");
      assert.deepEqual(events.toSorted(), [
        "card-inserted",
        "card-kept",
        "gallery-complete",
        "gallery-open",
        "trouble",
      ]);
      await assertComplete(base, new Set((await hashesBelow(card)).values()), 2);
    } finally {
      await disk.remove();
    }
  });

  it("is read on when the process that read it is ended, again and again", {
    timeout: 120_000,
  }, async (t) => {
    const { media, base, launch, stop } = await daemon(t, { COPY_WORKERS: "1" });
    const films = Array.from({ length: 8 }, (_, n): [string, Uint8Array] => [
      `DCIM/100CANON/MVI_000${n}.MOV`,
      randomBytes(24 * MIB),
    ]);
    const card = await makeCard(join(media, "EOS"), Object.fromEntries(films));
    const run = launch();
    await until(run, (log) => times(log, "session opened") === 1);
    while (!logOf(run).some(({ code }) => code === "worker-died")) {
      for (const pid of workersOf(run.child.pid ?? 0))
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has just ended.
        }
      await delay(20);
    }
    await until(run, (log) => times(log, "card taken in") === 1);
    await until(run, (log) => times(log, "gallery complete") === 1);
    await stop(run);
    assert.equal(new Set(logOf(run).flatMap(({ session }) => session ?? [])).size, 1);
    await assertComplete(base, new Set((await hashesBelow(card)).values()), 8);
  });

  it("is told to be kept when there is nothing new on it, and to be out when it is", async (t) => {
    const { command, heard } = await listener(t);
    const { media, launch, stop } = await daemon(t, { ON_EVENT: command });
    const card = await pictureCard(join(media, "EOS"), 3);
    const shelf = join(dirname(media), "EOS");
    const run = launch();
    await until(run, (log) => times(log, "gallery complete") === 1);
    await rename(card, shelf);
    await until(run, (log) => times(log, "card removed") === 1);
    await rename(shelf, card);
    await until(run, (log) => times(log, "card taken in") === 2);
    await rename(card, shelf);
    await until(run, (log) => times(log, "card removed") === 2);
    await stop(run);
    const events = await heard();
    assert.deepEqual(events.slice(events.findLastIndex((line) => line.startsWith("card-inserted"))), [
      "card-inserted|EOS: reading the card.",
      "card-kept|EOS: nothing new. All is kept already: 3 files.",
      "card-removed|EOS: taken out.",
    ]);
  });
});

describe("a card that may not be read", {
  skip: lacks("mkfs.ext4") || needsRoot,
}, () => {
  it("is told of once, to whom and with what to do; of a folder that may be no card only the log hears", {
    timeout: 120_000,
  }, async (t) => {
    const card = await loopCard(t, { "DCIM/100CANON/IMG_0001.JPG": await picture(1) });
    const { command, heard, folder } = await listener(t);
    const base = join(await tempFolder(t), "library");
    const { media, launch } = await daemon(t, { BASE_DIR: base, ON_EVENT: command });
    const target = join(media, "EOS");
    await card.insert(target, "rw");
    await chmod(target, 0o700);
    await mkdir(join(media, "ada"), { mode: 0o700 });
    // Another user has to get to all of it.
    const [told, bin] = [join(base, "..", "told"), await tempFolder(t)];
    await writeFile(join(bin, "systemd-notify"), `#!/bin/sh\necho "$*" >>${told}\n`, { mode: 0o755 });
    for (const path of [media, dirname(media), dirname(base), bin, folder]) await chmod(path, 0o777);
    const env = { NOTIFY_SOCKET: "/none", PATH: `${bin}:${process.env["PATH"]}`, NODE_COMPILE_CACHE: bin };
    const run = launch({ uid: 65_534, env });
    await until(run, (log) => log.filter(({ code }) => code === "card-forbidden").length === 2);
    const sentence = new RegExp(`folder ${target} may not be read by the user nobody \\(uid 65534\\)\\. Let`);
    // The supervisor is told by a program of its own, which the log does not wait for.
    await until(run, () => existsSync(told) && sentence.test(readFileSync(told, "utf8")));
    await chmod(target, 0o755);
    await until(run, (log) => times(log, "gallery complete") === 1);
    run.child.kill("SIGTERM");
    await run.ended;
    const lines = logOf(run).filter(({ code }) => code === "card-forbidden");
    assert.deepEqual(lines.map(({ root, level }) => `${level} ${String(root)}`).toSorted(), [
      `error ${target}`,
      `warn ${join(media, "ada")}`,
    ]);
    const [first = "", ...others] = await heard();
    assert.match(first, /^trouble\|EOS: .*uid 65534.*mount the card with that number/);
    assert.ok(others.every((line) => !line.startsWith("trouble")));
  });
});

function workersOf(pid: number): number[] {
  const find = `for c in $(cat /proc/${pid}/task/*/children); do grep -qa workers/host /proc/$c/cmdline && echo $c; done; true`;
  return execFileSync("sh", ["-c", find], { encoding: "utf8" })
    .trim()
    .split("\n")
    .filter(Boolean)
    .map(Number);
}
