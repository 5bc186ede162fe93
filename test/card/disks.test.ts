import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { areOnOtherDisks, wholeDisks } from "../../src/card/disks.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { run } from "../support/mount.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const skip = lacks("mkfs.ext4", "mkfs.btrfs") || lacksRoot();

/** The least that btrfs makes a filesystem in. */
const DISK_BYTES = 128 * 1024 * 1024;

describe("disks", () => {
  it("are found below partitions, arrays and logical volumes", async (t) => {
    const sys = await tempFolder(t);
    const block = async (path: string, slaves: readonly string[] = [], isPartition = false) => {
      await mkdir(join(sys, path, "slaves"), { recursive: true });
      if (isPartition) await writeFile(join(sys, path, "partition"), "1\n");
      for (const slave of slaves) await symlink(join(sys, slave), join(sys, path, "slaves", basename(slave)));
      return join(sys, path);
    };
    const sda = await block("sda");
    const sda1 = await block("sda/sda1", [], true);
    await block("sdb/sdb1", [], true);
    await block("md0", ["sda/sda1", "sdb/sdb1"]);
    const volume = await block("dm-0", ["md0"]);
    assert.deepEqual(await wholeDisks(sda), ["sda"]);
    assert.deepEqual(await wholeDisks(sda1), ["sda"]);
    assert.deepEqual((await wholeDisks(volume)).toSorted(), ["sda", "sdb"]);
  });

  it("are one for two subvolumes, and two for two disks", { skip }, async (t) => {
    const { disk: first } = await loopDisk(t, DISK_BYTES, "btrfs");
    const { disk: second } = await loopDisk(t, DISK_BYTES);
    const subvolumes = ["library", "second"].map((name) => join(first, name)) as [string, string];
    for (const subvolume of subvolumes) run("btrfs", "subvolume", "create", subvolume);
    const [library, copies] = subvolumes;
    assert.notEqual(statSync(library).dev, statSync(copies).dev, "stat(2) takes them for two");
    assert.equal(await areOnOtherDisks(library, copies), false);
    assert.equal(await areOnOtherDisks(library, second), true);
    assert.equal(await areOnOtherDisks(library, "/dev/shm"), true);
  });
});
