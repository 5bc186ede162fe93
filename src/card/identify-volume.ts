import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Volume, VolumeId } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { Mount } from "./mounts.ts";
import { diskOf, readMounts } from "./mounts.ts";
import { mediumOf } from "./presence.ts";
import { unescapeHex } from "./unescape.ts";
import { rootFailure } from "./walk.ts";

/** Where udev keeps what it found out about devices; everybody may read it. */
const UDEV = "/run/udev/data";

/**
 * What a folder stands for: the filesystem mounted on it, known again by UUID, label and size, or itself, known again by its
 * real path. Throws `card-missing`, `card-forbidden`, `card-unreadable`, `card-removed`.
 */
export async function identifyVolume(path: string): Promise<Volume> {
  return identifyRoot(await realFolder(path));
}

/** The same for a real path, without asking the card itself, which may never answer. */
export async function identifyRoot(root: string, udev = UDEV): Promise<Volume> {
  const medium = await mediumOf(root);
  const mount = (await readMounts()).findLast(({ target }) => target === root);
  const facts = mount?.folder === "/" ? await factsOf(mount, udev) : null;
  if (mount === undefined || !facts?.uuid)
    return { id: idOf(root, "folder"), root, label: basename(root) || root, medium };
  const { uuid, label } = facts;
  const disk = await diskOf(mount);
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

/** What udev's database says of the filesystem on a device; `null` without udev. Its links in /dev know one of two twins only. */
async function factsOf({ device, source }: Mount, udev: string) {
  // Some filesystems have a device number of their own: their source is then what names the device.
  const name = basename(await realpath(source).catch(() => source));
  const named = await readFile(`/sys/class/block/${name}/dev`, "utf8").catch(() => device);
  const text = await readFile(join(udev, `b${named.trim()}`), "utf8").catch(() => null);
  if (text === null) return null;
  const fact = (key: string) => {
    const value = new RegExp(`^E:${key}=(.+)$`, "m").exec(text)?.[1];
    return value === undefined ? null : unescapeHex(value);
  };
  return { uuid: fact("ID_FS_UUID_ENC"), label: fact("ID_FS_LABEL_ENC") };
}
