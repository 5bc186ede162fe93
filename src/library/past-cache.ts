import { readFileSync, realpathSync, statfsSync, statSync } from "node:fs";
import { basename } from "node:path";

/**
 * `cold`: the bytes came from the medium. `cached`: this filesystem lets nobody past its memory (tmpfs has no medium, a FUSE
 * server or a file server keeps a cache of its own), so a write path that corrupts would not have been seen.
 */
export type Proof = "cold" | "cached";

/** Numbers of statfs(2), as in linux/magic.h and the filesystems' own headers, by what reads from their medium. */
const WAYS: ReadonlyMap<number, "direct" | "drop"> = new Map([
  // O_DIRECT asks the device: ext2 to ext4, xfs, FAT, exFAT, f2fs.
  [0xef53, "direct"],
  [0x5846_5342, "direct"],
  [0x4d44, "direct"],
  [0x2011_bab0, "direct"],
  [0xf2f5_2010, "direct"],
  // btrfs answers O_DIRECT from the page cache where it can; what was dropped from there it reads and checks again.
  [0x9123_683e, "drop"],
]);

/**
 * How what lies at a path can be read past the memory of this machine: by O_DIRECT, once its pages are dropped, or not at all. A
 * filesystem that nobody has looked into counts as the last.
 */
export function wayPastCache(path: string | Buffer): "direct" | "drop" | "none" {
  const way = WAYS.get(statfsSync(path).type) ?? "none";
  return way === "direct" && journalsData(statSync(path).dev) ? "none" : way;
}

/** ext4 with `data=journal` opens with O_DIRECT, and answers from memory all the same (ext4(5)). */
function journalsData(device: number): boolean {
  // As the kernel packs them for user space (makedev(3)).
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  const line = new RegExp(`^\\d+ \\d+ ${major}:${minor} .*\\bdata=journal\\b`, "m");
  if (line.test(readFileSync("/proc/self/mountinfo", "utf8"))) return true;
  try {
    // What is the filesystem's own default is told only here, and here not to a service that sees only processes (ProcSubset=pid).
    const name = basename(realpathSync(`/sys/dev/block/${major}:${minor}`));
    return /^data=journal$/m.test(readFileSync(`/proc/fs/ext4/${name}/options`, "utf8"));
  } catch {
    return false;
  }
}
