import { execFileSync } from "node:child_process";
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { onDisk } from "./disk-failure.ts";
import type { Proof } from "./past-cache.ts";
import { wayPastCache } from "./past-cache.ts";

export interface ColdHash {
  /** Lower-case hex SHA-256 of what the medium gave back. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly proof: Proof;
}

/** Every logical block size in use divides it; O_DIRECT wants position, length and memory aligned to that (open(2)). */
const BLOCK_BYTES = 4096;
/** 1 MiB reads run at 805 MiB/s past the cache, 64 KiB reads at 356. */
const CHUNK_BYTES = 1024 * 1024;

/** One buffer a thread, kept: a fresh one would be paged in again for every file. */
const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES + BLOCK_BYTES);
/** Where in it an aligned buffer begins. Node does not say where memory lies, so the kernel is asked by trial. */
let offset = 0;

/**
 * Reads a file of the library back past the page cache: a cached re-read only proves that the memory is good. The file must
 * be synced. Throws `disk-unwritable` when it cannot be read back.
 */
export function coldHash(path: string): ColdHash {
  return onDisk(path, () => {
    const found = readCold(path);
    if (found !== null) return found;
    throw new Failure("copy-unproved", `${path} ends early when it is read back.`);
  });
}

/** The same for any file, with the errors of the system as they are; `null` when it ends before its size. */
export function readCold(path: string | Buffer): ColdHash | null {
  const way = wayPastCache(path);
  const hash = createHash("sha256");
  const direct = way === "direct" ? openDirect(path) : null;
  let done = 0;
  if (direct !== null) {
    const found = hashAndClose(direct, hash, 0, BLOCK_BYTES);
    if (found.done === found.sizeBytes)
      return { hash: hash.digest("hex"), sizeBytes: found.sizeBytes, proof: "cold" };
    // Less than a block came where there is more: that position cannot be read past the cache, so its pages are dropped instead.
    ({ done } = found);
  }
  const plain = openSync(path, constants.O_RDONLY);
  const isDropped = way !== "none" && dropCache(plain);
  const { done: end, sizeBytes } = hashAndClose(plain, hash, done, 1);
  if (end < sizeBytes) return null;
  return { hash: hash.digest("hex"), sizeBytes, proof: isDropped ? "cold" : "cached" };
}

/** Opens past the page cache with `offset` found, or null where the filesystem refuses that. */
function openDirect(path: string | Buffer): number | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch (error) {
    if (codeOf(error) === "EINVAL") return null;
    throw error;
  }
  // The last offset that worked comes first; malloc aligns to 16 bytes, so steps of 16 meet every alignment there can be.
  const offsets = [offset, ...Array.from({ length: BLOCK_BYTES / 16 }, (_, step) => step * 16)];
  try {
    for (const candidate of offsets) {
      if (!isAligned(fd, candidate)) continue;
      offset = candidate;
      return fd;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return null;
}

function isAligned(fd: number, candidate: number): boolean {
  try {
    readSync(fd, memory, candidate, BLOCK_BYTES, 0);
    return true;
  } catch (error) {
    if (codeOf(error) === "EINVAL") return false;
    throw error;
  }
}

/** Hashes a file from a position on, as far as whole units of `unitBytes` come before its end; says how far that was. */
function hashAndClose(fd: number, hash: Hash, from: number, unitBytes: number) {
  try {
    const sizeBytes = fstatSync(fd).size;
    let done = from;
    while (done < sizeBytes) {
      const count = readSync(fd, memory, offset, CHUNK_BYTES, done);
      const isTail = done + count >= sizeBytes;
      // A short read in the middle is taken up again from the last whole block, so that the position stays aligned.
      const usable = isTail ? sizeBytes - done : count - (count % unitBytes);
      if (usable === 0) break;
      hash.update(memory.subarray(offset, offset + usable));
      done += usable;
    }
    return { done, sizeBytes };
  } finally {
    closeSync(fd);
  }
}

/** Drops an open file's clean pages by posix_fadvise(DONTNEED), which Node does not offer and `dd` does. */
function dropCache(fd: number): boolean {
  try {
    execFileSync("dd", ["iflag=nocache", "count=0", "status=none"], { stdio: [fd, "ignore", "ignore"] });
    return true;
  } catch {
    return false;
  }
}
