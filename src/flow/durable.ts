import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Makes the names in a directory survive a power cut: a rename alone is only in memory (fsync(2)). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes a directory with all its parents; on return the new names survive a power cut. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(path)); at.length >= top.length; at = dirname(at)) {
    await syncDirectory(at);
    if (at === dirname(at)) break;
  }
}

/**
 * Replaces a file as a whole: a reader, or the next start after a power cut, sees the old bytes or the new, never a part. A
 * crash may leave a file called `….tmp` in `via`, a folder of the same filesystem: best one that is swept at start. A text
 * in pieces is never in memory as a whole.
 */
export async function writeDurably(
  path: string,
  content: Uint8Array | string | Iterable<string>,
  via = dirname(path),
): Promise<void> {
  await makeDirectory(dirname(path));
  const temporary = join(via, `${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(
        typeof content === "string" || content instanceof Uint8Array ? content : inWrites(content),
      );
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** A write for each line of a large text would take longer than the text. */
const WRITE_CHARACTERS = 64 * 1024;

function* inWrites(pieces: Iterable<string>): Generator<string> {
  let gathered = "";
  for (const piece of pieces) {
    gathered += piece;
    if (gathered.length < WRITE_CHARACTERS) continue;
    yield gathered;
    gathered = "";
  }
  yield gathered;
}

/**
 * Gives a file another name in the same filesystem, refusing to overwrite; throws `EEXIST` when the name is taken. Durable
 * only after `syncDirectory`. Node has no `renameat2(RENAME_NOREPLACE)`; link and unlink are the same thing in two steps.
 */
export async function moveWithoutOverwrite(from: string, to: string): Promise<void> {
  await link(from, to);
  await unlink(from);
}
