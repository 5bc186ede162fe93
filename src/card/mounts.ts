import { readFile, realpath } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { unescapeOctal } from "./unescape.ts";

/** A line of /proc/self/mountinfo: the mounts of our own namespace (proc_pid_mountinfo(5)). */
export interface Mount {
  /** The kernel's number for this mount; another one after every remount. */
  readonly id: number;
  /** `major:minor` of the filesystem's device. */
  readonly device: string;
  /** Which folder of the filesystem is mounted: `/`, or another for a bind mount. */
  readonly folder: string;
  /** Where. */
  readonly target: string;
  readonly type: string;
  /** `/dev/sda1`, or a word for what has no device. */
  readonly source: string;
  readonly isReadOnly: boolean;
}

/** The mounts of this process's namespace, the older first. Reading takes 60 µs and waits for no card. */
export async function readMounts(): Promise<Mount[]> {
  return parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
}

export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    // Optional fields stand between the sixth and a lone dash.
    const [front = "", back = ""] = line.split(" - ");
    const [id, , device, folder, target, options] = front.split(" ");
    const [type, source, superOptions = ""] = back.split(" ");
    if (!id || !device || !folder || !target || !options || !type || source === undefined) return [];
    return {
      id: Number(id),
      device,
      folder: unescapeOctal(folder),
      target: unescapeOctal(target),
      type,
      source: unescapeOctal(source),
      isReadOnly: [options, superOptions].some((list) => list.split(",").includes("ro")),
    };
  });
}

/** The mount that a real path lies on. Of those on the same folder, the newest is the one that is seen. */
export function mountHolding<Held extends Mount>(path: string, mounts: readonly Held[]): Held | null {
  let holding: Held | null = null;
  for (const mount of mounts) {
    const { target } = mount;
    const holds = target === "/" || path === target || path.startsWith(`${target}/`);
    if (holds && target.length >= (holding?.target.length ?? 0)) holding = mount;
  }
  return holding;
}

/** The disk below a mount or swap area, from sysfs. */
export interface Disk {
  /** `sda`, `mmcblk0`. */
  readonly name: string;
  /** 0 in a reader whose card was taken out. */
  readonly sizeBytes: number;
  /** Counts every change of medium, so that a swapped card is seen below a stale mount; `null` before Linux 5.15. */
  readonly sequence: string | null;
  readonly isRemovable: boolean;
}

/** sysfs counts in these whatever the device's own blocks are (Documentation/ABI/stable/sysfs-block). */
const SECTOR_BYTES = 512;

/** The folder in sysfs of the device that a mount is from; `null` where there is none. */
export async function blockOf({ device, source }: Pick<Mount, "device" | "source">): Promise<string | null> {
  const block = await real(`/sys/dev/block/${device}`);
  // btrfs shows an anonymous device number: its source is then what names the disk.
  if (block !== null || !source.startsWith("/dev/")) return block;
  return real(`/sys/class/block/${basename((await real(source)) ?? source)}`);
}

/** The disk of a mount; `null` where there is none, or no longer. Asks sysfs only, never the device. */
export async function diskOf(mount: Pick<Mount, "device" | "source">): Promise<Disk | null> {
  const disk = await diskFolderOf(mount);
  if (disk === null) return null;
  const [size, sequence, removable] = await Promise.all(
    ["size", "diskseq", "removable"].map((name) => text(`${disk}/${name}`)),
  );
  if (size === null || size === undefined) return null;
  return {
    name: basename(disk),
    sizeBytes: Number(size) * SECTOR_BYTES,
    sequence: sequence ?? null,
    isRemovable: removable === "1",
  };
}

/**
 * How many requests to the disk of a mount have failed since it came, also those that the kernel repeated (`ioerr_cnt`, which SCSI
 * disks have, and so what is on USB; drivers/scsi/scsi_lib.c); `null` where there is no such count. Asks sysfs only.
 */
export async function failedRequestsOf(mount: Pick<Mount, "device" | "source">): Promise<number | null> {
  const disk = await diskFolderOf(mount);
  const failed = disk === null ? null : await text(`${disk}/device/ioerr_cnt`);
  // `0x1f`.
  return failed === null ? null : Number(failed);
}

/** The folder in sysfs of the whole disk below a mount. */
async function diskFolderOf(mount: Pick<Mount, "device" | "source">): Promise<string | null> {
  const block = await blockOf(mount);
  if (block === null) return null;
  return (await text(`${block}/partition`)) === null ? block : dirname(block);
}

/** Block devices used as swap. */
export async function readSwaps(): Promise<string[]> {
  return parseSwaps((await text("/proc/swaps")) ?? "");
}

export function parseSwaps(swaps: string): string[] {
  return swaps
    .split("\n")
    .slice(1)
    .flatMap((line) => /^\/dev\/\S+/.exec(line)?.[0] ?? [])
    .map(unescapeOctal);
}

async function real(path: string): Promise<string | null> {
  return realpath(path).catch(() => null);
}

async function text(path: string): Promise<string | null> {
  return readFile(path, "utf8").then(
    (content) => content.trim(),
    () => null,
  );
}
