import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeCard } from "./card.ts";

/** A card in a loop device that can be put into a folder and taken out again, as often as one likes. Root only. */
export interface LoopCard {
  readonly image: string;
  /** `/dev/loop0`; stays the same. */
  readonly device: string;
  /** Mounts it on a folder, which is made. */
  insert(target: string, options?: string): Promise<void>;
  /** Attaches it read-only, as `swapFor` needs it. */
  reattachReadOnly(): void;
  /** Puts another medium of the same size into the reader, below whatever is mounted: the kernel counts it (LOOP_CHANGE_FD). */
  swapFor(image: string): void;
  /** Unmounts it and removes the folder; it stays in its reader. */
  remove(target: string): Promise<void>;
  /** Takes it out of its reader, for good. */
  eject(): void;
}

interface Making {
  readonly label?: string;
  readonly uuid?: string;
  readonly sizeBytes?: number;
}

/** Node has no ioctl. */
const SWAP = `open(L, "<", $ARGV[0]) and open(F, "<", $ARGV[1]) and ioctl(L, 0x4C06, fileno(F)) or die "$!"`;

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" }).trim();

/** An ext4 card with these files; at the test's end nothing of it is mounted or attached any more. */
export async function loopCard(
  test: { after(run: () => Promise<void>): void },
  files: Readonly<Record<string, Uint8Array | string>>,
  { label = "EOS_DIGITAL", uuid, sizeBytes = 16 * 2 ** 20 }: Making = {},
): Promise<LoopCard> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-card-"));
  // A name of its own: with one image name used again, a loop mount showed stale pages.
  const image = join(folder, `${basename(folder)}.img`);
  const targets = new Set<string>();
  let device = "";
  let isOut = false;
  test.after(async () => {
    for (const target of targets) if (isMounted(target)) run("umount", "-l", target);
    if (device !== "" && !isOut) {
      // It stays read-only for whoever gets it next, once a card was mounted from it (`systemd/mount-card`).
      run("blockdev", "--setrw", device);
      run("losetup", "--detach", device);
    }
    await rm(folder, { recursive: true });
  });
  await writeFile(image, "");
  await truncate(image, sizeBytes);
  const content = await makeCard(join(folder, "content"), files);
  run("mkfs.ext4", "-q", "-L", label, ...(uuid === undefined ? [] : ["-U", uuid]), "-d", content, image);
  device = run("losetup", "--find", "--show", image);
  run("blockdev", "--setrw", device);
  return {
    image,
    device,
    reattachReadOnly() {
      run("losetup", "--detach", device);
      run("losetup", "--read-only", device, image);
    },
    swapFor(other) {
      run("perl", "-e", SWAP, device, other);
    },
    async insert(target, options = "ro") {
      await mkdir(target, { recursive: true });
      run("mount", "-o", options, device, target);
      targets.add(target);
    },
    async remove(target) {
      run("umount", target);
      targets.delete(target);
      await rm(target, { recursive: true });
    },
    eject() {
      run("blockdev", "--setrw", device);
      run("losetup", "--detach", device);
      isOut = true;
    },
  };
}

/** Asked of the kernel: a card that hangs must not be looked at. */
function isMounted(target: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${target} `);
}
