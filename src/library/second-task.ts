import { lstatSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { readCold } from "./cold-hash.ts";
import { onDisk } from "./disk-failure.ts";
import type { CopyReply } from "./task.ts";
import copyAndProve from "./task.ts";

export interface SecondRequest {
  /** Absolute path of the library's root. */
  readonly root: string;
  /** The original below it. */
  readonly path: string;
  readonly hash: ContentHash;
  readonly sizeBytes: number;
  /** Absolute path of the name it should get on the second disk. */
  readonly target: string;
  /** Absolute path of the copy to make, in the second disk's `incoming` folder. */
  readonly part: string;
}

/**
 * Copies an original of the library to the second disk as a card's file is copied to the library: read once, the hash must
 * be the known one, synced, read back cold. `null` when the same bytes are there already under that name, read cold. Throws
 * `original-damaged` when the library's own file is no longer what was kept, `disk-*` for either disk.
 */
export default function copyToSecond(request: SecondRequest): CopyReply | null {
  const { root, path, hash, sizeBytes, target, part } = request;
  if (isThere(target, hash, sizeBytes)) return null;
  const original = join(root, path);
  const stats = statsOf(original, path);
  if (stats?.isFile() !== true || stats.size !== sizeBytes)
    throw damaged(path, "is no longer in the library as it was kept");
  const modifiedMs = Math.floor(stats.mtimeMs);
  const copy = copied({ root, path: Buffer.from(path), name: path, sizeBytes, modifiedMs, part }, path);
  if (copy.hash === hash) return copy;
  throw damaged(path, "no longer has the bytes that were kept");
}

function isThere(target: string, hash: ContentHash, sizeBytes: number): boolean {
  return onDisk(target, () => {
    const stats = lstatSync(target, { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === sizeBytes && readCold(target)?.hash === hash;
  });
}

function statsOf(original: string, path: string) {
  try {
    return lstatSync(original, { throwIfNoEntry: false });
  } catch (error) {
    throw damaged(path, "cannot be read from the library's disk", error);
  }
}

/** What is a sick card when a card is read is a sick disk here. */
function copied(request: Parameters<typeof copyAndProve>[0], path: string): CopyReply {
  try {
    return copyAndProve(request);
  } catch (error) {
    if (!(error instanceof Failure) || !/^(file|card)-/.test(error.code)) throw error;
    throw damaged(path, "cannot be read from the library's disk", error);
  }
}

function damaged(path: string, what: string, cause?: unknown): Failure {
  return new Failure("original-damaged", `${path} ${what}.`, { cause });
}
