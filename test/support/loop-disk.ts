import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Filesystem } from "./mount.ts";
import { makeImage, mountImage, run } from "./mount.ts";

interface LoopDisk {
  /** Where it is mounted. */
  readonly disk: string;
  readonly image: string;
  /** `/dev/loop0`. */
  readonly device: string;
  /** Mounts it again, read-only, with nothing of it in memory. */
  insertAgain(): void;
}

/** A disk in an image, gone when the test is. Root only. */
export async function loopDisk(
  test: { after(run: () => Promise<void>): void },
  sizeBytes: number,
  filesystem: Filesystem = "ext4",
): Promise<LoopDisk> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-disk-"));
  const [disk, image] = [join(folder, "disk"), join(folder, `${basename(folder)}.img`)];
  await mkdir(disk);
  await makeImage(image, filesystem, sizeBytes);
  const { device, release } = await mountImage(image, disk);
  test.after(async () => {
    await release();
    await rm(folder, { recursive: true });
  });
  const insertAgain = () => {
    run("umount", disk);
    run("mount", "-o", "ro", device, disk);
  };
  return { disk, image, device, insertAgain };
}
