import { createHash } from "node:crypto";
import { closeSync, constants, fsyncSync, futimesSync, openSync, unlinkSync, writeSync } from "node:fs";
import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import type { Media } from "../domain/media.ts";
import { identify, SNIFF_BYTES } from "../domain/media.ts";
import type { CardFileRequest, OpenCardFile } from "./card-file.ts";
import { withCardFile } from "./card-file.ts";
import type { ColdHash } from "./cold-hash.ts";
import { coldHash } from "./cold-hash.ts";
import { onDisk } from "./disk-failure.ts";
import { HEAD_BYTES } from "./head-task.ts";

export interface CopyRequest extends CardFileRequest {
  /** Absolute path of the copy to make, in the library's `incoming` folder. */
  readonly part: string;
}

/** Complete, on disk, and equal to what the card gave. */
export interface CopyReply {
  readonly hash: ContentHash;
  readonly headHash: string;
  readonly sizeBytes: number;
  readonly media: Media;
  readonly part: string;
  readonly proof: ColdHash["proof"];
}

/**
 * Reads a card file once, hashing while it writes the copy, syncs the copy and reads it back cold. A copy that does not read
 * back the same is made once more: a bit may have changed on its way. On any error the copy is removed. Throws `file-*`,
 * `card-removed`, `disk-*`, `copy-unproved`.
 */
export default function copyAndProve(request: CopyRequest): CopyReply {
  return withCardFile(request, (file) => {
    try {
      return copyOnce(file, request);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "copy-unproved") throw error;
      return copyOnce(file, request);
    }
  });
}

function copyOnce(file: OpenCardFile, request: CopyRequest): CopyReply {
  const { name, part } = request;
  const fd = onDisk(part, () => createPart(part));
  try {
    const written = writePart(file, request, fd);
    const proof = coldHash(part);
    if (proof.hash !== written.hash)
      throw new Failure(
        "copy-unproved",
        `The copy of ${name} read back from the disk differs from the card.`,
      );
    return { ...written, sizeBytes: request.sizeBytes, part, proof: proof.proof };
  } catch (error) {
    removePart(part);
    throw error;
  }
}

/**
 * A run whose process was killed left its copy: it makes way for a new file, so that the old process, should it still hang
 * in a write, has no hand in this one.
 */
function createPart(part: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return openSync(part, flags, 0o600);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    unlinkSync(part);
    return openSync(part, flags, 0o600);
  }
}

/** Fills the copy and closes it; on return its bytes are on the disk. */
function writePart(
  file: OpenCardFile,
  request: CopyRequest,
  fd: number,
): Pick<CopyReply, "hash" | "headHash" | "media"> {
  const { name, part, sizeBytes, modifiedMs } = request;
  const [whole, head] = [createHash("sha256"), createHash("sha256")];
  const buffer = chunkBuffer(sizeBytes);
  const first = Buffer.alloc(SNIFF_BYTES);
  try {
    let done = 0;
    while (done < sizeBytes) {
      const count = file.read(buffer.subarray(0, Math.min(buffer.length, sizeBytes - done)), done);
      if (count === 0) {
        file.check();
        throw new Failure("file-unreadable", `The card gave ${done} of the ${sizeBytes} bytes of ${name}.`);
      }
      const chunk = buffer.subarray(0, count);
      if (done < SNIFF_BYTES) chunk.copy(first, done);
      if (done < HEAD_BYTES) head.update(chunk.subarray(0, HEAD_BYTES - done));
      whole.update(chunk);
      onDisk(part, () => writeFully(fd, chunk));
      done += count;
    }
    file.check();
    onDisk(part, () => {
      // People sort originals by date in their file manager.
      futimesSync(fd, modifiedMs / 1000, modifiedMs / 1000);
      // Never repeated: the kernel reports a lost write once, and a second fsync may say that all is well.
      fsyncSync(fd);
    });
    const hash = contentHash(whole.digest("hex"));
    const media = identify(name, first.subarray(0, Math.min(sizeBytes, SNIFF_BYTES)));
    return { hash, headHash: head.digest("hex"), media };
  } finally {
    closeSync(fd);
  }
}

function writeFully(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}

function removePart(part: string): void {
  try {
    unlinkSync(part);
  } catch {
    // The error that led here is the one to report; what stays is swept at the next start.
  }
}

const MIB = 1024 * 1024;

/** Larger requests for larger files: fewer turns between the card and the disk. `npm run bench` shows what each size gives. */
function chunkBytes(sizeBytes: number): number {
  if (sizeBytes > 50 * MIB) return 8 * MIB;
  return sizeBytes > 10 * MIB ? 4 * MIB : MIB;
}

let kept = Buffer.alloc(0);

/** One buffer a thread, grown to what was needed and kept: a fresh one would be paged in again for every file. */
function chunkBuffer(sizeBytes: number): Buffer {
  const bytes = chunkBytes(sizeBytes);
  if (kept.length < bytes) kept = Buffer.allocUnsafeSlow(bytes);
  return kept.subarray(0, bytes);
}
