import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openHints } from "../../src/card/hints.ts";
import { lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

/** A hint comes at once; a busy machine may take its time. */
const WITHIN_MS = 30_000;
/** The pause before findmnt is started again. The longer, the less a busy machine changes of how pauses compare. */
const RESTART_MS = 100;

/** Hints of a folder as mount root and another as `/dev`, with a findmnt of this shell script or the real one. */
async function hinted(t: TestContext, script: string | null) {
  const folder = await tempFolder(t);
  const [media, devices, findmnt] = [join(folder, "media"), join(folder, "dev"), join(folder, "findmnt")];
  await mkdir(media);
  await mkdir(devices);
  if (script !== null) {
    await writeFile(findmnt, `#!/bin/sh\n${script}\n`);
    await chmod(findmnt, 0o755);
  }
  let [count, devicesCome] = [0, 0];
  const open = (program: string, restartMs = RESTART_MS) => {
    const hints = openHints({
      mountRoots: [media],
      devices,
      findmnt: program,
      restartMs,
      onHint: () => count++,
      onDevice: () => devicesCome++,
    });
    t.after(hints.close);
    return hints;
  };
  const next = async (act: () => unknown) => {
    const before = count;
    const startedMs = performance.now();
    await act();
    while (count === before && performance.now() - startedMs < WITHIN_MS) await delay(1);
    assert.ok(count > before, `no hint within ${WITHIN_MS} ms`);
    return performance.now() - startedMs;
  };
  return { folder, media, devices, findmnt, open, next, count: () => count, devicesCome: () => devicesCome };
}

describe("hints", () => {
  it("tell of a mount and an unmount at once", { skip: lacksRoot() }, async (t) => {
    const { media, open, next } = await hinted(t, null);
    open("findmnt");
    // Until findmnt has begun to listen, there is nothing to be heard.
    await delay(500);
    const mountMs = await next(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "hint", media]));
    await delay(200);
    const unmountMs = await next(() => execFileSync("umount", [media]));
    t.diagnostic(`mount ${mountMs.toFixed(0)} ms, unmount ${unmountMs.toFixed(0)} ms, the programs included`);
  });

  it("tell of a device that comes, and not after they were closed", async (t) => {
    const { devices, open, next, count } = await hinted(t, "sleep 60");
    const hints = open(join(devices, "../findmnt"));
    await next(() => writeFile(join(devices, "sda"), ""));
    await hints.close();
    const before = count();
    await writeFile(join(devices, "sdb"), "");
    await delay(200);
    assert.equal(count(), before);
  });

  it("tell which of them are block devices, when those come and not when they go", {
    skip: lacksRoot(),
  }, async (t) => {
    const { devices, open, next, devicesCome } = await hinted(t, "sleep 60");
    open(join(devices, "../findmnt"));
    await next(() => writeFile(join(devices, "log"), ""));
    await delay(200);
    assert.equal(devicesCome(), 0);
    const node = join(devices, "sda1");
    // A number that no device has: a node that is only looked at needs none.
    await next(() => execFileSync("mknod", [node, "b", "259", "1048575"]));
    await delay(200);
    assert.equal(devicesCome(), 1);
    await next(() => rm(node));
    await delay(200);
    assert.equal(devicesCome(), 1);
  });

  it("go on after findmnt died: it is started again, each time later", async (t) => {
    const { findmnt, folder, open } = await hinted(t, `date +%s%N >> "$0.starts"; exit 1`);
    open(findmnt);
    const starts = async () => {
      const text = await readFile(join(folder, "findmnt.starts"), "utf8").catch(() => "");
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => Number(BigInt(line) / 1_000_000n));
    };
    const untilMs = performance.now() + WITHIN_MS;
    while ((await starts()).length < 5 && performance.now() < untilMs) await delay(20);
    const [first = 0, second = 0, , fourth = 0, fifth = 0] = await starts();
    assert.ok(fifth - fourth >= 7 * RESTART_MS, `the fifth start came ${fifth - fourth} ms after the fourth`);
    assert.ok(fifth - fourth > second - first, "the pauses grow");
  });

  it("come from the names in the mount roots where there is no findmnt", async (t) => {
    const { folder, media, open, next, count } = await hinted(t, null);
    // That it is missing, and each time it is tried again, is a hint as well.
    open(join(folder, "missing"), 60 * WITHIN_MS);
    await next(() => {});
    const before = count();
    await next(async () => {
      // What is there before it has begun to look is no news.
      for (let cards = 0; cards < 60 && count() === before; cards++) {
        await mkdir(join(media, `EOS_DIGITAL_${cards}`));
        await delay(500);
      }
    });
  });

  it("are done without where there is nothing to give any", async (t) => {
    const { folder } = await hinted(t, null);
    const none = join(folder, "none");
    const hints = openHints({ mountRoots: [none], devices: none, findmnt: none, onHint: () => {} });
    await delay(200);
    await hints.close();
  });
});
