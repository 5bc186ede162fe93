import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Filesystem, Mounted } from "../../support/mount.ts";
import { makeImage, mountImage } from "../../support/mount.ts";

/** A disk whose power can be cut: a filesystem in an image of its own. Root only. */
export interface DiskWithAPlug {
  /** Where it is mounted. */
  readonly root: string;
  /** From now on nothing gets to the disk, and what was not synced before never will; every call to it fails. */
  cut(): Promise<void>;
  /** Forgets what is in memory and mounts what the disk has, as the next start would: the journal is replayed. */
  restart(): Promise<void>;
  /** Unmounts and removes it, whatever state it is in. */
  remove(): Promise<void>;
}

/** Makes and mounts a disk of a new name. */
export async function diskWithAPlug(
  folder: string,
  name: string,
  filesystem: Filesystem,
): Promise<DiskWithAPlug> {
  const [image, root] = [join(folder, `${name}.img`), join(folder, name)];
  await makeImage(image, filesystem);
  await mkdir(root);
  let mounted: Mounted | null = null;
  let breaker: Breaker | null = null;

  const start = async () => {
    mounted = await mountImage(image, root);
    breaker = openBreaker(root);
  };
  const stop = async () => {
    await breaker?.leave();
    breaker = null;
    await mounted?.release();
    mounted = null;
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    root,
    async cut() {
      await breaker?.shutDown();
      breaker = null;
    },
    async restart() {
      await stop();
      await start();
    },
    async remove() {
      await stop();
      await rm(image);
    },
  };
}

interface Breaker {
  shutDown(): Promise<void>;
  leave(): Promise<void>;
}

/**
 * Waits with the filesystem's own shutdown in hand, so that the cut comes at once: a program started for it would come
 * milliseconds late, when the next sync has saved what a bug had left in memory. Without `-f` the log is not flushed
 * (xfs_io(8); FS_IOC_SHUTDOWN of ext4 is the same call).
 */
function openBreaker(root: string): Breaker {
  const child = spawn("xfs_io", ["-x", root], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  const end = async (words: string) => {
    child.stdin.end(words);
    const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    if (code !== 0) throw new Error(`xfs_io ended with ${code}`);
  };
  return { shutDown: () => end("shutdown\n"), leave: () => end("") };
}
