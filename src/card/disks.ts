import { existsSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { blockOf, mountHolding, readMounts } from "./mounts.ts";

/**
 * Whether what lies at these two paths survives the end of each other's disk. Two partitions of one disk do not, nor do two
 * subvolumes or logical volumes on it, whatever stat(2) says. Where there is no disk to be seen (network, memory, FUSE), two
 * filesystems count as apart.
 */
export async function areOnOtherDisks(one: string, other: string): Promise<boolean> {
  const [disks, others] = await Promise.all([disksBelow(one), disksBelow(other)]);
  if (disks.length > 0 && others.length > 0) return !disks.some((disk) => others.includes(disk));
  return (await stat(one)).dev !== (await stat(other)).dev;
}

/** Names of the disks below a path; none where no block device is. */
async function disksBelow(path: string): Promise<readonly string[]> {
  const mount = mountHolding(await realpath(path), await readMounts());
  const block = mount && (await blockOf(mount));
  return block === null ? [] : wholeDisks(block);
}

/** The disks that a block device is made of, given its folder in sysfs: of a partition, an array or a logical volume those below. */
export async function wholeDisks(block: string): Promise<readonly string[]> {
  const slaves = await readdir(join(block, "slaves")).catch(() => []);
  if (slaves.length === 0) return [basename(existsSync(join(block, "partition")) ? dirname(block) : block)];
  const below = slaves.map(async (slave) => wholeDisks(await realpath(join(block, "slaves", slave))));
  return [...new Set((await Promise.all(below)).flat())];
}
