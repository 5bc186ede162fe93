import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { openInTime } from "../flow/in-time.ts";
import { possibleCards } from "./candidates.ts";
import type { Drive } from "./drives.ts";
import type { Mount } from "./mounts.ts";
import { diskOf, readSwaps } from "./mounts.ts";
import type { MountedMedium } from "./presence.ts";
import { overlaps, realPlace } from "./real-place.ts";

/** Somewhere a card may be. */
export interface Place {
  /** Changes when something else is there: another mount, another medium below it, another folder of that name. */
  readonly key: string;
  /** Changes when a folder that was no card might have become one. */
  readonly revision: string;
  readonly root: string;
  /** The disk it is on, or the folder itself: two places with one reader share its speed and its fate. */
  readonly reader: string;
  /** The kernel's number of the mount, and what it is of; `null` for a plain folder. */
  readonly mount: (MountedMedium & { readonly id: number }) | null;
  /** Somebody has mounted it so that it can be written to. */
  readonly isWritable: boolean;
}

/** What reads no card answers in a millisecond. A root may be a card's mount point itself, and then never answer. */
const DEADLINE_MS = 1_000;

/**
 * Where cards may be now: mounts that are in the right place, and plain folders directly below a mount root, which stand in
 * for cards. Nothing that holds one of `own`, the paths we write to, or lies in one of them. Reads no card.
 */
export function openPlaces(mountRoots: readonly string[], own: readonly string[]) {
  const placeInTime = openInTime<string>(DEADLINE_MS);
  const realInTime = openInTime<string | null>(DEADLINE_MS);
  const foldersInTime = openInTime<Place[]>(DEADLINE_MS);
  return async (mounts: readonly Mount[], drives: readonly Drive[] | null): Promise<Place[]> => {
    const real = async (root: string) => realInTime(root, async () => realpath(root).catch(() => null));
    const roots = (await Promise.all(mountRoots.map(real))).filter((root) => root !== null);
    const onDisks = await Promise.all(mounts.map(async (mount) => ({ ...mount, disk: await diskOf(mount) })));
    const swaps = await Promise.all(
      (await readSwaps()).map(async (source) => (await diskOf({ device: "", source }))?.name ?? []),
    );
    // Asked each time: the second disk may come later.
    const ours = await Promise.all(
      own.map(async (path) => (await placeInTime(path, async () => realPlace(path))) ?? path),
    );
    const cards = possibleCards({
      mounts: onDisks,
      swapDisks: swaps.flat(),
      drives,
      mountRoots: roots,
      ours,
    });
    const targets = new Set(mounts.map(({ target }) => target));
    const folders = await Promise.all(
      roots.map(async (root) => (await foldersInTime(root, async () => foldersIn(root, targets))) ?? []),
    );
    return [
      ...cards.map(({ id, device, source, disk, target, isReadOnly }) => ({
        key: `mount ${id} ${disk?.sequence ?? ""}`,
        revision: "",
        root: target,
        reader: disk?.name ?? target,
        mount: { id, device, source, sequence: disk?.sequence ?? "" },
        isWritable: !isReadOnly,
      })),
      ...folders.flat().filter(({ root }) => !ours.some((path) => overlaps(root, path))),
    ];
  };
}

/** Plain folders of a mount root. Those that are mount points are left alone: a card may hang behind them. */
async function foldersIn(root: string, mountPoints: ReadonlySet<string>): Promise<Place[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
  const places = paths
    .filter((path) => !mountPoints.has(path))
    .map(async (path): Promise<Place[]> => {
      const stats = await stat(path).catch(() => null);
      if (stats === null) return [];
      // Birth time as well: ext4 hands the number of a deleted folder to the next one.
      const key = `folder ${path} ${stats.ino} ${stats.birthtimeMs}`;
      const revision = String(stats.mtimeMs);
      return [{ key, revision, root: path, reader: path, mount: null, isWritable: false }];
    });
  return (await Promise.all(places)).flat();
}
