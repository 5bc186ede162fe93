import type { FileHandle } from "node:fs/promises";
import { link, lstat, open, rm } from "node:fs/promises";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { readBody } from "./body.ts";

/** Bytes read and written at once: larger does not make it faster, and uploads run side by side. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Makes a new file with the body of an object; on return its bytes are on disk and are those that were announced. A file
 * body gets a second name instead of a copy where the filesystem can: it was read through just as well, it
 * "no longer changes", and a gallery of thousands takes its space only once. Nothing is left when it fails.
 */
export async function placeBody(object: NewObject, to: string, signal: AbortSignal): Promise<void> {
  try {
    if ("file" in object.body && (await linkBody(object, object.body.file, to, signal))) return;
    const file = await open(to, "wx", 0o600);
    try {
      for await (const piece of readBody(object, PIECE_BYTES, signal)) await writeAll(file, piece);
      await file.sync();
      const { size } = await file.stat();
      if (size !== object.sizeBytes)
        throw new Failure(
          "remote-corrupt",
          `${to} has ${size} bytes after ${object.sizeBytes} were written.`,
        );
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

/** Whether it could be done. What is proved is the file under its new name, whatever becomes of the old one. */
async function linkBody(object: NewObject, from: string, to: string, signal: AbortSignal): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
  if (!(await lstat(to)).isFile()) {
    await rm(to);
    return false;
  }
  for await (const _ of readBody({ ...object, body: { file: to } }, PIECE_BYTES, signal));
  const file = await open(to, "r");
  try {
    // Whoever made it may have left it in memory: a rendition can be made again, but a published object cannot vanish.
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** Another filesystem, one without links, too many of them, or another owner (link(2), proc_sys_fs(5) on hard links). */
const CANNOT_LINK = new Set(["EXDEV", "EPERM", "EACCES", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

async function writeAll(file: FileHandle, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    const { bytesWritten } = await file.write(piece, at);
    at += bytesWritten;
  }
}
