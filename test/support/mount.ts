import { execFileSync } from "node:child_process";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export type Filesystem = "btrfs" | "ext4" | "xfs";

/** Sparse, so it takes only what is written; mkfs.xfs makes nothing smaller than 300 MB. */
const IMAGE_BYTES = 400 * 1024 * 1024;

/** Blocks of 4 KiB, as on any real disk; all that mke2fs would leave to the kernel to do later is done at once. */
const MKFS = {
  btrfs: ["mkfs.btrfs", "-q"],
  ext4: ["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"],
  xfs: ["mkfs.xfs", "-q", "-K"],
} as const;

/** The output of a program; throws with what it said when it fails. */
export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Makes an empty filesystem in a new sparse file. The name must be new: loop devices have shown bytes of an earlier image of the same name. */
export async function makeImage(
  image: string,
  filesystem: Filesystem,
  sizeBytes: number = IMAGE_BYTES,
): Promise<void> {
  await writeFile(image, "", { flag: "wx" });
  await truncate(image, sizeBytes);
  const [program, ...args] = MKFS[filesystem];
  run(program, ...args, image);
}

/** Another test may take the free device between the look and the grip (`losetup`: "Device or resource busy"). */
const ATTACH_TRIES = 20;

/** Makes a block device of a file; returns its path. */
async function attach(file: string): Promise<string> {
  for (let tries = 1; ; tries++)
    try {
      const device = run("losetup", "-f", "--show", file);
      // A loop device stays read-only after whoever made it so has let go of it, as a test of card mounts does.
      run("blockdev", "--setrw", device);
      return device;
    } catch (error) {
      if (tries === ATTACH_TRIES) throw error;
      await delay(50);
    }
}

/** A process that was killed lets go of a filesystem only when its last call has come back. */
const RELEASE_TRIES = 1500;
const RELEASE_EVERY_MS = 20;

/** Unmounts a folder if anything is mounted there. */
export async function unmount(root: string): Promise<void> {
  for (let tries = 1; isMounted(root); tries++)
    try {
      run("umount", root);
    } catch (error) {
      if (tries === RELEASE_TRIES) throw error;
      await delay(RELEASE_EVERY_MS);
    }
}

/** Whether something is mounted on a folder or file. */
export function isMounted(root: string): boolean {
  return run("findmnt", "-rn", "-o", "TARGET").split("\n").includes(root);
}

/** On return nobody has the file open through the device: a mount namespace made in the meantime keeps what it found. */
async function detach(device: string, file: string): Promise<void> {
  run("losetup", "-d", device);
  const backing = `/sys/block/${basename(device)}/loop/backing_file`;
  for (let tries = 1; (await readFile(backing, "utf8").catch(() => "")).trim() === file; tries++) {
    if (tries === RELEASE_TRIES) throw new Error(`${device} is still in use`);
    await delay(RELEASE_EVERY_MS);
  }
}

/** What was mounted and attached, to be undone whatever happens. */
export interface Mounted {
  /** `/dev/loop0`. */
  readonly device: string;
  release(): Promise<void>;
}

/** Attaches a file and mounts the filesystem in it, which replays its journal. */
export async function mountImage(
  image: string,
  root: string,
  options: readonly string[] = [],
): Promise<Mounted> {
  const device = await attach(image);
  const release = async () => {
    await unmount(root);
    await detach(device, image);
  };
  try {
    run("mount", ...options, device, root);
    return { device, release };
  } catch (error) {
    await release();
    throw error;
  }
}
