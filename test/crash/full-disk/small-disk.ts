import { mkdir, open, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mountImage, run, unmount } from "../../support/mount.ts";

/** A filesystem of its own that can be made full and roomy again. Root only. */
export interface SmallDisk {
  readonly root: string;
  /** Leaves so many bytes free, by a file of somebody else's. */
  fill(freeBytes: number): Promise<void>;
  /** Leaves room for so many bytes in all, or for as many as there are already. */
  shrinkTo(sizeBytes: number): Promise<void>;
  /** Leaves no name (inode) for another file, however much space there is. */
  takeNames(): Promise<void>;
  makeRoom(): Promise<void>;
  remove(): Promise<void>;
}

let made = 0;

export async function smallTmpfs(folder: string, sizeBytes: number): Promise<SmallDisk> {
  const root = join(folder, `tmpfs-${made++}`);
  await mkdir(root);
  run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", root);
  const remount = (options: string) => void run("mount", "-o", `remount,${options}`, root);
  return {
    root,
    fill: (freeBytes) => fill(root, freeBytes),
    async shrinkTo(wantedBytes) {
      const { blocks, bfree, bsize } = await statfs(root);
      // The process goes on writing meanwhile: a little more than it has now.
      const usedBytes = (blocks - bfree) * bsize + 1024 * 1024;
      remount(`size=${Math.max(wantedBytes, usedBytes)}`);
    },
    async takeNames() {
      const { files, ffree } = await statfs(root);
      remount(`nr_inodes=${files - ffree + SPARE_NAMES}`);
    },
    async makeRoom() {
      await rm(join(root, BALLAST), { force: true });
      remount(`size=${sizeBytes},nr_inodes=100000`);
    },
    remove: () => unmount(root),
  };
}

/** For what the process makes between the look and the remount. */
const SPARE_NAMES = 12;
const BALLAST = "ballast";

export async function smallExt4(folder: string, sizeBytes: number): Promise<SmallDisk> {
  const name = `ext4-${made++}`;
  const [image, root] = [join(folder, `${name}.img`), join(folder, name)];
  await writeFile(image, "", { flag: "wx" });
  await truncate(image, sizeBytes);
  run("mkfs.ext4", "-q", "-m", "0", image);
  await mkdir(root);
  const mounted = await mountImage(image, root);
  const makeRoom = () => rm(join(root, BALLAST), { force: true });
  return {
    root,
    fill: (freeBytes) => fill(root, freeBytes),
    shrinkTo: (wantedBytes) => fill(root, wantedBytes),
    takeNames: () => Promise.reject(new Error("not on ext4")),
    makeRoom,
    async remove() {
      await mounted.release();
      await rm(image);
    },
  };
}

const PIECE = Buffer.alloc(256 * 1024);

async function fill(root: string, freeBytes: number): Promise<void> {
  const ballast = await open(join(root, BALLAST), "a");
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(root);
      const left = bavail * bsize - freeBytes;
      if (left <= 0) return;
      await ballast.write(PIECE, 0, Math.min(left, PIECE.length));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    await ballast.close();
  }
}
