import { createHash } from "node:crypto";
import type { BigIntStats, Stats } from "node:fs";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import type { CardFile, RefusedEntry } from "../domain/card.ts";
import { bytesOfKey, displayPath } from "../domain/card-path.ts";
import { codeOf, isDeviceGone } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { isLitter } from "./litter.ts";

/** A regular file as a walk meets it. */
export interface WalkedFile extends Omit<CardFile, "path"> {
  /** Its path, one character a byte: tens of thousands are made, and bytes of their own would take twice as long. */
  readonly key: string;
}

/** What is on a volume, in the order it was met. */
export interface Walk {
  readonly files: WalkedFile[];
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
  /** Path below the root, one character a byte; empty for the root itself. */
  readonly key: string;
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
  const refuse = (key: string, reason: string) => result.refused.push({ path: bytesOfKey(key), reason });
  const queue: Folder[] = [{ key: "", depth: 0 }];
  let entries = 0;
  let isRootListed = false;

  // The queue grows while it is walked: that is what makes it breadth-first.
  for (const folder of queue) {
    if (entries >= maxEntries) {
      refuse(folder.key, `not looked into: the card has more than ${maxEntries} entries`);
      continue;
    }
    const below = folder.depth === 0 ? "" : `${folder.key}/`;
    for (const name of namesIn(folder)) {
      entries++;
      if (isLitter(name)) continue;
      const key = below + name;
      const stats = look(key);
      if (stats === null) continue;
      if (stats.isDirectory()) enter(key, name, stats, folder.depth + 1);
      // The last change of name or content, a time nobody can set (stat(2)): files that are on their way count later.
      else if (stats.isFile() && stats.ctimeMs > onlyBeforeMs) continue;
      else if (stats.isFile())
        result.files.push({ key, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) });
      else refuse(key, kindOf(stats));
    }
  }
  return result;

  function enter(key: string, name: string, stats: Stats, depth: number): void {
    if (depth === 1) result.topFolders.push(displayPath(bytesOfKey(name)));
    if (stats.dev !== dev) refuse(key, "another filesystem is mounted there");
    else if (depth > maxDepth) refuse(key, `not looked into: more than ${maxDepth} folders deep`);
    else queue.push({ key, depth });
  }

  function namesIn({ key, depth }: Folder): string[] {
    try {
      const names = readdirSync(absolute(root, key), { encoding: "latin1" });
      if (depth === 0) isRootListed = names.length > 0;
      return names;
    } catch (error) {
      if (depth === 0) throw rootFailure(error, root);
      refuse(key, `the folder could not be read (${codeUnlessGone(error)})`);
      return [];
    }
  }

  function look(key: string): Stats | null {
    try {
      return lstatSync(absolute(root, key));
    } catch (error) {
      const code = codeUnlessGone(error);
      // Where files come and go, one of a name for the time being has got its own.
      const isLive = Number.isFinite(onlyBeforeMs);
      if (!isLive || code !== "ENOENT") refuse(key, `could not be looked at (${code})`);
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

/** Anything that is not one byte in UTF-8, which Node makes of a path that is text. */
const BEYOND_ASCII = /[^\0-\x7f]/;

function absolute(root: string, key: string): string | Buffer {
  const path = `${root}/`;
  return BEYOND_ASCII.test(key) ? Buffer.concat([Buffer.from(path), bytesOfKey(key)]) : path + key;
}

/** SHA-256 of a walk, in the order it went: two that are equal have met the same. */
export function digestOf({ files, refused }: Pick<Walk, "files" | "refused">): string {
  const hash = createHash("sha256");
  // No path holds a zero byte, so nothing moves from one entry to the next.
  hash.update(
    files.map(({ key, sizeBytes, modifiedMs }) => `${key}\0${sizeBytes} ${modifiedMs}\0`).join(""),
    "latin1",
  );
  for (const { path, reason } of refused) hash.update("\0").update(path).update(`\0${reason}\0`);
  return hash.digest("hex");
}
