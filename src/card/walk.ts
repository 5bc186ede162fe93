import type { BigIntStats, Stats } from "node:fs";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import type { CardFile, RefusedEntry } from "../domain/card.ts";
import { displayPath } from "../domain/card-path.ts";
import { codeOf, isDeviceGone } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { isLitter } from "./litter.ts";

/** What is on a volume, in the order it was met. */
export interface Walk {
  readonly files: CardFile[];
  readonly refused: RefusedEntry[];
  /** Names of the folders directly below the root. */
  readonly topFolders: string[];
}

interface Limits {
  /** Deeper folders are refused by name: a corrupt FAT can contain itself. Cameras need 4 (XDROOT/Clip/…). */
  readonly maxDepth: number;
  /** Beyond it, folders are refused by name: 20 times the pictures of a full card. */
  readonly maxEntries: number;
}

const LIMITS: Limits = { maxDepth: 16, maxEntries: 200_000 };

interface Folder {
  /** Path below the root; empty for the root itself. */
  readonly path: Uint8Array;
  readonly depth: number;
}

/**
 * Lists a volume breadth-first by stat alone: names as bytes, no symbolic link followed, no other filesystem entered. What
 * cannot be taken is named with the reason, never left out; only the litter of operating systems is, and files that were changed
 * after `onlyBeforeMs`. Throws `card-missing`,
 * `card-forbidden`, `card-unreadable` for the root, `card-removed` when the card goes away meanwhile.
 */
export function walk(
  root: string,
  { maxDepth, maxEntries }: Limits = LIMITS,
  onlyBeforeMs = Number.POSITIVE_INFINITY,
): Walk {
  const { dev } = rootStats(root);
  const result: Walk = { files: [], refused: [], topFolders: [] };
  const refuse = (path: Uint8Array, reason: string) => result.refused.push({ path, reason });
  const queue: Folder[] = [{ path: new Uint8Array(), depth: 0 }];
  let entries = 0;
  let isRootListed = false;

  // The queue grows while it is walked: that is what makes it breadth-first.
  for (const folder of queue) {
    if (entries >= maxEntries) {
      refuse(folder.path, `not looked into: the card has more than ${maxEntries} entries`);
      continue;
    }
    for (const name of namesIn(folder)) {
      entries++;
      if (isLitter(name)) continue;
      const path = joined(folder.path, name);
      const stats = look(path);
      if (stats === null) continue;
      if (stats.isDirectory()) enter(path, name, stats, folder.depth + 1);
      // The last change of name or content, a time nobody can set (stat(2)): files that are on their way count later.
      else if (stats.isFile() && stats.ctimeMs > onlyBeforeMs) continue;
      else if (stats.isFile())
        result.files.push({ path, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) });
      else refuse(path, kindOf(stats));
    }
  }
  return result;

  function enter(path: Uint8Array, name: Uint8Array, stats: Stats, depth: number): void {
    if (depth === 1) result.topFolders.push(displayPath(name));
    if (stats.dev !== dev) refuse(path, "another filesystem is mounted there");
    else if (depth > maxDepth) refuse(path, `not looked into: more than ${maxDepth} folders deep`);
    else queue.push({ path, depth });
  }

  function namesIn({ path, depth }: Folder): Buffer[] {
    try {
      const names = readdirSync(absolute(root, path), { encoding: "buffer" });
      if (depth === 0) isRootListed = names.length > 0;
      return names;
    } catch (error) {
      if (depth === 0) throw rootFailure(error, root);
      refuse(path, `the folder could not be read (${codeUnlessGone(error)})`);
      return [];
    }
  }

  function look(path: Uint8Array): Stats | null {
    try {
      return lstatSync(absolute(root, path));
    } catch (error) {
      const code = codeUnlessGone(error);
      // Where files come and go, one of a name for the time being has got its own.
      const isLive = Number.isFinite(onlyBeforeMs);
      if (!isLive || code !== "ENOENT") refuse(path, `could not be looked at (${code})`);
      return null;
    }
  }

  /** The code of an error that concerns one entry; throws when it concerns the whole card. */
  function codeUnlessGone(error: unknown): string {
    const code = codeOf(error);
    if (code === null) throw error;
    // A pulled FAT card has no errors, only no names.
    if (isDeviceGone(error) || (code === "ENOENT" && isRootListed && isEmpty(root)))
      throw new Failure("card-removed", `The card at ${root} was gone while it was listed.`, {
        cause: error,
      });
    return code;
  }
}

function rootStats(root: string): Stats | BigIntStats {
  try {
    const stats = statSync(root);
    if (stats.isDirectory()) return stats;
  } catch (error) {
    throw rootFailure(error, root);
  }
  throw new Failure("card-missing", `${root} is a file; give the folder that holds the pictures.`);
}

/** Why a volume's root cannot be listed, as a sentence that names it. */
export function rootFailure(error: unknown, root: string): unknown {
  const code = codeOf(error);
  if (code === null) return error;
  const options = { cause: error };
  if (code === "ENOENT") return new Failure("card-missing", `There is no folder ${root}.`, options);
  if (code === "ENOTDIR")
    return new Failure(
      "card-missing",
      `${root} is a file, or lies in one; give the folder that holds the pictures.`,
      options,
    );
  if (isDeviceGone(error)) return new Failure("card-removed", `The card at ${root} is gone.`, options);
  if (code === "EACCES" || code === "EPERM")
    return new Failure("card-forbidden", `The folder ${root} may not be read by ${ourUser()}.`, options);
  return new Failure("card-unreadable", `The folder ${root} could not be read (${code}).`, options);
}

/** Whom a permission is missing for: a person who looks into the folder may be somebody else. */
function ourUser(): string {
  const number = process.getuid?.() ?? 0;
  try {
    return `the user ${userInfo().username} (uid ${number})`;
  } catch {
    return `the user with uid ${number}`;
  }
}

function kindOf(stats: Stats): string {
  return stats.isSymbolicLink() ? "a symbolic link, not a file" : "a device, socket or pipe, not a file";
}

function isEmpty(root: string): boolean {
  try {
    return readdirSync(root).length === 0;
  } catch {
    return true;
  }
}

/** Asked for each of thousands of files: written into one place, since a copy each would take as long as the look. */
const scratch = Buffer.allocUnsafeSlow(8192);

function joined(folder: Uint8Array, name: Uint8Array): Uint8Array {
  if (folder.length === 0) return new Uint8Array(name);
  const path = new Uint8Array(folder.length + 1 + name.length);
  path.set(folder);
  path[folder.length] = 0x2f;
  path.set(name, folder.length + 1);
  return path;
}

/** Valid until it is asked for again. */
function absolute(root: string, path: Uint8Array): Buffer {
  const start = scratch.write(`${root}/`);
  if (start + path.length > scratch.length) return Buffer.concat([Buffer.from(`${root}/`), path]);
  scratch.set(path, start);
  return scratch.subarray(0, start + path.length);
}
