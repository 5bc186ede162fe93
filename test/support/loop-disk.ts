import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

interface LoopDisk {
  /** Where it is mounted. */
  readonly disk: string;
  readonly image: string;
  /** `/dev/loop0`. */
  readonly device: string;
  /** Mounts it again, read-only, with nothing of it in memory. */
  insertAgain(): void;
}

/** An ext4 disk in an image, gone when the test is. Root only. */
export async function loopDisk(
  test: { after(run: () => Promise<void>): void },
  sizeBytes: number,
): Promise<LoopDisk> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-disk-"));
  // A name of its own: with one image name used again, a loop mount showed stale pages.
  const [disk, image] = [join(folder, "disk"), join(folder, `${basename(folder)}.img`)];
  let device: string | null = null;
  let isMounted = false;
  test.after(async () => {
    if (isMounted) execFileSync("umount", [disk]);
    if (device !== null) execFileSync("losetup", ["-d", device]);
    await rm(folder, { recursive: true });
  });
  await mkdir(disk);
  await writeFile(image, "");
  await truncate(image, sizeBytes);
  execFileSync("mkfs.ext4", ["-q", image]);
  device = execFileSync("losetup", ["-f", "--show", image], { encoding: "utf8" }).trim();
  const loop = device;
  // A loop device stays read-only once a card was mounted from it (`systemd/mount-card`).
  execFileSync("blockdev", ["--setrw", loop]);
  execFileSync("mount", [loop, disk]);
  isMounted = true;
  const insertAgain = () => {
    execFileSync("umount", [disk]);
    isMounted = false;
    execFileSync("mount", ["-o", "ro", loop, disk]);
    isMounted = true;
  };
  return { disk, image, device, insertAgain };
}
