import { createHash } from "node:crypto";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Volume, VolumeId } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { diskOf, readMounts } from "./mounts.ts";
import { mediumOf } from "./presence.ts";
import { unescapeHex } from "./unescape.ts";
import { rootFailure } from "./walk.ts";

/**
 * What a folder stands for: the filesystem mounted on it, known again by UUID, label and size, or itself, known again by its
 * real path. Throws `card-missing`, `card-unreadable`, `card-removed`.
 */
export async function identifyVolume(path: string): Promise<Volume> {
  return identifyRoot(await realFolder(path));
}

/** The same for a real path, without asking the card itself, which may never answer. */
export async function identifyRoot(root: string): Promise<Volume> {
  const medium = await mediumOf(root);
  const mount = (await readMounts()).findLast(({ target }) => target === root);
  const uuid = mount?.folder === "/" ? await linkName("by-uuid", mount.source) : null;
  if (mount === undefined || uuid === null)
    return { id: idOf(root, "folder"), root, label: basename(root) || root, medium };
  const [label, disk] = await Promise.all([linkName("by-label", mount.source), diskOf(mount)]);
  return {
    id: idOf(uuid, label ?? "", String(disk?.sizeBytes ?? 0)),
    root,
    label: label ?? basename(root),
    medium,
  };
}

async function realFolder(path: string): Promise<string> {
  let root: string;
  try {
    root = await realpath(path);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    throw rootFailure(error, path);
  }
  throw new Failure("card-missing", `${path} is a file; give the folder that holds the pictures.`);
}

/** 128 bits: far more than the 32 of a FAT UUID that it is made of. */
const ID_DIGITS = 32;

function idOf(...facts: readonly string[]): VolumeId {
  // No fact contains a zero byte, so that no two lists read the same.
  return createHash("sha256").update(facts.join("\0")).digest("hex").slice(0, ID_DIGITS) as VolumeId;
}

/** The name under which udev links to a device; `null` without udev, and where the filesystem has none. */
async function linkName(kind: "by-uuid" | "by-label", source: string): Promise<string | null> {
  if (!source.startsWith("/dev/")) return null;
  const folder = `/dev/disk/${kind}`;
  const device = await realpath(source).catch(() => source);
  for (const name of await readdir(folder).catch(() => []))
    if ((await realpath(join(folder, name)).catch(() => null)) === device) return unescapeHex(name);
  return null;
}
