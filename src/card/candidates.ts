import type { Drive } from "./drives.ts";
import type { Disk, Mount } from "./mounts.ts";
import { mountHolding } from "./mounts.ts";
import { overlaps } from "./real-place.ts";

/** A mount with the disk it lies on. */
export interface MountOnDisk extends Mount {
  readonly disk: Disk | null;
}

interface Surroundings {
  readonly mounts: readonly MountOnDisk[];
  /** Names of the disks that hold swap. */
  readonly swapDisks: readonly string[];
  /** What drivelist says, where it says something. */
  readonly drives: readonly Drive[] | null;
  /** Folders below which cards are mounted, like `/media`. */
  readonly mountRoots: readonly string[];
  /** Real paths of what we write to: the library, the second disk. */
  readonly ours: readonly string[];
}

/** A disk that holds one of these belongs to the machine. */
const OF_THE_MACHINE = /^\/(?:boot(?:\/.*)?|usr|home)?$/;

/**
 * Mounts that may be cards, by where they are: below a mount root or on a removable drive, and never on a disk of the machine,
 * which is also one that we write to: a disk with a library on it may well hold pictures at its top.
 * An SD slot counts as removable even when the machine starts from it: that it holds `/` is what tells.
 */
export function possibleCards({ mounts, swapDisks, drives, mountRoots, ours }: Surroundings): MountOnDisk[] {
  const machine = new Set(swapDisks);
  for (const { target, disk } of mounts)
    if (disk !== null && OF_THE_MACHINE.test(target)) machine.add(disk.name);
  const holding = ours.flatMap((path) => mountHolding(path, mounts) ?? []);
  for (const { disk } of holding) if (disk !== null) machine.add(disk.name);
  // What has no disk, as a share has none, is known by its number wherever else it is mounted.
  const shares = new Set(holding.flatMap(({ device, disk }) => (disk === null ? [device] : [])));
  const removable = new Set(drives?.filter((drive) => drive.isRemovable).map((drive) => drive.name));
  return mounts.filter(({ target, device, disk, source }, index) => {
    if (disk !== null && (machine.has(disk.name) || disk.sizeBytes === 0)) return false;
    if (shares.has(device) || ours.some((path) => overlaps(target, path))) return false;
    // A device that is gone leaves its mount behind.
    if (disk === null && source.startsWith("/dev/")) return false;
    // Whatever lies below a newer mount on the same folder cannot be reached.
    if (mounts.slice(index + 1).some((newer) => newer.target === target)) return false;
    const isRemovable = disk !== null && (disk.isRemovable || removable.has(disk.name));
    return isRemovable || mountRoots.some((root) => target.startsWith(`${root}/`));
  });
}

/** Folders that cameras make: DCF pictures; AVCHD, M4ROOT and XDROOT films; older Sony films; XDCAM clips. */
const CAMERA_FOLDERS = new Set(["DCIM", "PRIVATE", "MP_ROOT", "CLIP"]);

/** Whether a volume is a card: by the folders at its top, or because its label was configured. */
export function isCard(topFolders: readonly string[], label: string, labels: readonly string[]): boolean {
  return labels.includes(label) || topFolders.some((name) => CAMERA_FOLDERS.has(name.toUpperCase()));
}
