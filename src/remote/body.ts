import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import type { BodyMemory } from "./body-memory.ts";
import { translateDiskError } from "./disk-errors.ts";
import { thingOf } from "./doing-words.ts";

type Memory = Pick<BodyMemory, "take">;
const NEW: Memory = { take: Buffer.allocUnsafe };

/**
 * The body in pieces of `pieceBytes`, the last one shorter, each in memory of its own, which `memory` gives. Throws `remote-corrupt`
 * unless size and SHA-256 are as announced: the last piece is held back until they are known, so a body that is wrong is
 * never complete.
 */
export async function* readBody(
  object: NewObject,
  pieceBytes: number,
  signal: AbortSignal,
  memory: Memory = NEW,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let held: Buffer | null = null;
  for await (const piece of pieces(object, pieceBytes, memory)) {
    signal.throwIfAborted();
    hash.update(piece);
    sizeBytes += piece.length;
    if (sizeBytes > object.sizeBytes) break;
    if (held) yield held;
    held = piece;
  }
  if (sizeBytes !== object.sizeBytes || hash.digest("hex") !== object.sha256)
    throw new Failure(
      "remote-corrupt",
      `Not uploaded: the bytes of ${thingOf(object.key)} are not those that were announced, so they changed since they were made.`,
      { cause: { bodyOf: object.key } },
    );
  if (held) yield held;
}

/** Whether it was `readBody` that refused, and not the store. */
export function isBodyWrong(error: unknown): boolean {
  return Failure.is(error) && (error.cause as { bodyOf?: string } | undefined)?.bodyOf !== undefined;
}

async function* pieces(
  { body, sizeBytes }: NewObject,
  pieceBytes: number,
  memory: Memory,
): AsyncGenerator<Buffer> {
  if ("bytes" in body) {
    const bytes = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.byteLength);
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    return;
  }
  if ("make" in body) {
    yield* inPieces(body.make(), pieceBytes, memory);
    return;
  }
  try {
    const file = await open(body.file, "r");
    try {
      // One byte more than announced, so that a file that has grown shows.
      for (let left = sizeBytes + 1; left > 0; ) {
        const wanted = Math.min(pieceBytes, left);
        const piece = memory.take(wanted).subarray(0, wanted);
        const filled = await fill(file, piece);
        if (filled > 0) yield piece.subarray(0, filled);
        if (filled < piece.length) return;
        left -= filled;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw translateDiskError(error, `Reading ${body.file} to upload it`);
  }
}

async function* inPieces(
  bytes: AsyncIterable<Uint8Array>,
  pieceBytes: number,
  memory: Memory,
): AsyncGenerator<Buffer> {
  let piece = memory.take(pieceBytes).subarray(0, pieceBytes);
  let filled = 0;
  for await (const some of bytes)
    for (let at = 0; at < some.length; ) {
      const taken = some.subarray(at, at + pieceBytes - filled);
      piece.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < pieceBytes) continue;
      yield piece;
      piece = memory.take(pieceBytes).subarray(0, pieceBytes);
      filled = 0;
    }
  if (filled > 0) yield piece.subarray(0, filled);
}

/** A read may return less than was asked for in the middle of a file (read(2)), so only zero is its end. */
async function fill(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<number> {
  let filled = 0;
  while (filled < piece.length) {
    const { bytesRead } = await file.read(piece, filled, piece.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
