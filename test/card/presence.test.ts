import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { identifyVolume } from "../../src/card/identify-volume.ts";
import { openCards } from "../../src/card/inventory.ts";
import takeInventory from "../../src/card/inventory-task.ts";
import { assertPresent, failedRequests } from "../../src/card/presence.ts";
import { lacks, lacksRoot } from "../support/needs.ts";

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" }).trim();
const skip = lacks("mkfs.ext4") || lacksRoot();
const gone = { code: "card-removed" };

describe("whether a card is still there", { skip }, () => {
  let folder: string;
  let card: string;
  let image: string;
  let device: string | null = null;
  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "ghostroll-presence-")));
    [card, image] = [join(folder, "card"), join(folder, "card.img")];
    await mkdir(card);
    run("truncate", "-s", "16M", image);
    run("mkfs.ext4", "-q", image);
    device = run("losetup", "-f", "--show", image);
    // A loop device stays read-only once a card was mounted from it (`systemd/mount-card`).
    run("blockdev", "--setrw", device ?? "");
    run("mount", device ?? "", card);
    await mkdir(join(card, "DCIM"));
    await writeFile(join(card, "DCIM/IMG_0001.JPG"), "x");
  });
  after(async () => {
    if (run("cat", "/proc/self/mountinfo").includes(` ${card} `)) run("umount", "-l", card);
    if (device !== null) run("losetup", "-d", device);
    await rm(folder, { recursive: true });
  });

  it("is seen in the mount and the medium below it, and not in what is mounted elsewhere", async () => {
    const volume = await identifyVolume(card);
    await assertPresent(volume);
    const other = join(folder, "card-2");
    await mkdir(other);
    run("mount", "-t", "tmpfs", "-o", "size=1m", "none", other);
    await assertPresent(volume);
    run("umount", other);
    await assertPresent(volume);
  });

  it("has no count of failed requests where the kernel keeps none", async () => {
    assert.equal(await failedRequests({ root: card }), null);
  });

  it("is denied when it was unmounted", async () => {
    const volume = await identifyVolume(card);
    run("umount", card);
    await assert.rejects(assertPresent(volume), gone);
    run("mount", device ?? "", card);
    await assertPresent(await identifyVolume(card));
  });

  it("is denied when the medium is pulled out below its mount, which stays and may look like anything", async () => {
    const volume = await identifyVolume(card);
    const cards = openCards({ list: { run: async (request) => takeInventory(request) } });
    const never = new AbortController().signal;
    assert.equal((await cards.list(volume, never)).files.length, 1);
    run("truncate", "-s", "0", image);
    run("losetup", "-c", device ?? "");
    await assert.rejects(assertPresent(volume), gone);
    await assert.rejects(cards.list(volume, never), gone);
  });
});
