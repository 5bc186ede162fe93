import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm, stat, unlink } from "node:fs/promises";
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

/** Somebody may remove an empty parent again meanwhile, but not each time. */
const TRIES = 3;

/**
 * Makes a directory with all its parents; on return the new names survive a power cut. Where the system says that the parent of
 * a new folder is not there although it is (a failed automount, /proc), `mkdir` with `recursive` would try for ever.
 */
export async function makeDirectory(path: string): Promise<void> {
  for (let left = TRIES - 1; ; left--)
    try {
      return await makeMissing(path);
    } catch (error) {
      if (left === 0 || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
}

async function makeMissing(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isDirectory(at)); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else was faster.
      if (error.code !== "EEXIST" || !(await isDirectory(folder))) throw error;
    });
    await syncDirectory(dirname(folder));
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    // The root is always there; whoever cannot see it must not look for what is above it.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && path !== dirname(path)) return false;
    throw error;
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
