import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, lstat, mkdir, open, rename, stat, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withSuffix } from "../domain/card-path.ts";
import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import type { ReadBack } from "../domain/finding.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import { syncDirectory } from "../flow/durable.ts";
import type { ColdHash } from "./cold-hash.ts";
import { onDiskAsync } from "./disk-failure.ts";
import type { HashRequest } from "./hash-task.ts";
import type { CopyReply, CopyRequest } from "./task.ts";

interface Runs<Request, Reply> {
  run(request: Request, signal: AbortSignal): Promise<Reply>;
}

interface UpkeepOptions {
  /** The library's root. */
  readonly root: string;
  /** Runs `task.ts`. */
  readonly copy: Runs<CopyRequest, CopyReply>;
  /** Runs `hash-task.ts`. */
  readonly hash: Runs<HashRequest, ColdHash>;
}

/** An original as it was kept. */
interface Original {
  readonly hash: ContentHash;
  /** Below the library's root. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Where a second copy lies: in a file of this machine, or fetched from a store. */
export type SecondCopy = { readonly file: string } | { readonly bytes: Uint8Array };

/** Looks after originals that are kept: reads them back, and puts good copies in the place of bad ones. */
export function openUpkeep({ root, copy, hash }: UpkeepOptions) {
  /** Throws `disk-unwritable` when the whole library is away: then no file of it is missing. */
  function assertThere(): void {
    if (existsSync(join(root, "originals"))) return;
    throw new Failure("disk-unwritable", `${join(root, "originals")} is not there; is its disk mounted?`);
  }

  /**
   * Reads an original back from the medium. What is wrong is said only when a second look shows it too: memory and cables
   * fail more often than disks. Throws `disk-unwritable` when the library is away, and what its workers throw.
   */
  async function readBack(original: Original, signal: AbortSignal): Promise<ReadBack> {
    const first = await look(original, signal);
    return first.state === "as-kept" ? first : look(original, signal);
  }

  async function look({ path, sizeBytes, hash: kept }: Original, signal: AbortSignal): Promise<ReadBack> {
    const file = join(root, path);
    const stats = await onDiskAsync(file, async () => lstat(file).catch(orNull));
    if (stats === null || !stats.isFile()) {
      assertThere();
      return { state: "missing" };
    }
    if (stats.size !== sizeBytes) return { state: "changed" };
    try {
      const found = await hash.run({ path: file }, signal);
      return found.hash === kept ? { state: "as-kept", proof: found.proof } : { state: "changed" };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === "copy-unproved") return { state: "changed" };
      if (error.code !== "disk-unwritable") throw error;
      assertThere();
      return { state: "unreadable" };
    }
  }

  /** SHA-256 of a file below the root as the medium gives it back; `null` when it cannot be read. Throws as `readBack` does. */
  async function hashOf(path: string, signal: AbortSignal): Promise<ContentHash | null> {
    try {
      return contentHash((await hash.run({ path: join(root, path) }, signal)).hash);
    } catch (error) {
      if (!(error instanceof Failure) || !["copy-unproved", "disk-unwritable"].includes(error.code))
        throw error;
      assertThere();
      return null;
    }
  }

  /**
   * Puts a second copy in the place of an original that is not as it was kept. The copy is proved before: complete, on disk,
   * read back equal. What was in the place is not lost, it gets a name below `rotten`. False when the copy is no good
   * either; then nothing has changed. Durable on return. Throws `disk-*`.
   */
  async function replace(
    original: Original,
    second: SecondCopy,
    modifiedMs: number | null,
    signal: AbortSignal,
  ): Promise<boolean> {
    const part = join(root, "incoming", `${randomUUID()}.part`);
    const place = join(root, original.path);
    try {
      if ((await proved(second, part, signal)) !== original.hash) return false;
      await onDiskAsync(place, async () => {
        if (modifiedMs !== null) await utimes(part, modifiedMs / 1000, modifiedMs / 1000);
        await mkdir(dirname(place), { recursive: true });
        await setAside(original.path);
        await rename(part, place);
        await syncUp(root, dirname(place));
      });
      return true;
    } finally {
      await unlink(part).catch(() => {});
    }
  }

  /** The hash of a copy in `incoming`, read back cold; `null` when it could not be made. */
  async function proved(second: SecondCopy, part: string, signal: AbortSignal): Promise<string | null> {
    try {
      if ("file" in second) return await copyFrom(second.file, part, signal);
      await onDiskAsync(part, async () => writeNew(part, second.bytes));
      return (await hash.run({ path: part }, signal)).hash;
    } catch (error) {
      if (Failure.is(error, "file") || (error instanceof Failure && error.code === "card-removed"))
        return null;
      throw error;
    }
  }

  async function copyFrom(file: string, part: string, signal: AbortSignal): Promise<string | null> {
    const stats = await stat(file).catch(() => null);
    if (stats === null) return null;
    const request: CopyRequest = {
      root: dirname(file),
      path: Buffer.from(basename(file)),
      name: file,
      sizeBytes: stats.size,
      modifiedMs: Math.floor(stats.mtimeMs),
      part,
    };
    return (await copy.run(request, signal)).hash;
  }

  /** Gives what is at a path a second name below `rotten`, so that it may be replaced there. */
  async function setAside(path: string): Promise<void> {
    const place = join(root, path);
    if ((await lstat(place).catch(orNull)) === null) return;
    const folder = join(root, "rotten", dirname(path));
    await mkdir(folder, { recursive: true });
    for (let number = 1; ; number++) {
      const name = number === 1 ? basename(path) : withSuffix(basename(path), String(number));
      const aside = join(folder, name);
      if ((await lstat(aside).catch(orNull)) !== null) continue;
      // Where a file has one name only, it moves; the good copy follows at once.
      await link(place, aside).catch(() => rename(place, aside));
      break;
    }
    await syncUp(root, folder);
  }

  return { assertThere, readBack, hashOf, replace };
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder, and the folders above it, survive a power cut. */
async function syncUp(root: string, folder: string): Promise<void> {
  for (let at = folder; at.startsWith(root); at = dirname(at)) {
    await syncDirectory(at);
    if (at === dirname(at)) break;
  }
}

function orNull(error: unknown): null {
  if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
  throw error;
}
