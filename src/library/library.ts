import { randomUUID } from "node:crypto";
import { lstatSync, renameSync } from "node:fs";
import { lstat, mkdir, readdir, statfs, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { CardFile, Volume } from "../domain/card.ts";
import { displayPath, withSuffix } from "../domain/card-path.ts";
import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { RECORDS } from "../domain/layout.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import { writeManifest } from "../domain/manifest.ts";
import type { UnwrittenRecord } from "../domain/session-record.ts";
import { writeSessionRecord } from "../domain/session-record.ts";
import { makeDirectory, moveWithoutOverwrite, syncDirectory, writeDurably } from "../flow/durable.ts";
import { openTurns } from "../flow/turns.ts";
import type { CardFileRequest } from "./card-file.ts";
import type { ColdHash } from "./cold-hash.ts";
import { onDisk, onDiskAsync } from "./disk-failure.ts";
import type { HashRequest } from "./hash-task.ts";
import type { HeadsRequest } from "./head-task.ts";
import type { Proof } from "./past-cache.ts";
import { wayPastCache } from "./past-cache.ts";
import type { CopyReply, CopyRequest } from "./task.ts";

/** Something that runs a task of this room where a hung card harms nobody. */
interface Runs<Request, Reply> {
  run(request: Request, signal: AbortSignal): Promise<Reply>;
}

interface LibraryOptions {
  /** Absolute path of the folder that holds `incoming` and `originals`, on one filesystem. */
  readonly root: string;
  /** Runs `task.ts`. */
  readonly copy: Runs<CopyRequest, CopyReply>;
  /** Runs `head-task.ts`. */
  readonly heads: Runs<HeadsRequest, (string | null)[]>;
  /** Runs `reread-task.ts`. */
  readonly reread: Runs<CardFileRequest, ColdHash>;
  /** Runs `hash-task.ts`. */
  readonly hash: Runs<HashRequest, ColdHash>;
}

/** Space that is promised. */
interface SpaceAside {
  /** So much of it is taken up now. */
  used(bytes: number): void;
  release(): void;
}

type Part = Pick<CopyReply, "hash" | "sizeBytes" | "part">;

/** Filesystems without hard links say one of these: FAT and exFAT EPERM, FUSE servers and shares one of the others. */
const WITHOUT_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

export type Library = ReturnType<typeof openLibrary>;

/** The folder that keeps originals. Nothing in here unlinks or overwrites anything below `originals`. */
export function openLibrary({ root, copy, heads, reread, hash }: LibraryOptions) {
  const incoming = join(root, "incoming");
  const naming = openTurns();
  /** Copies that were removed when they were given up; whoever was still at one may have made it after that. */
  const givenUp = new Set<string>();
  let asideBytes = 0;

  return {
    /** Removes copies that an earlier run did not finish; they are claimed by nobody. Throws `disk-*`. */
    async sweep(): Promise<void> {
      await onDiskAsync(incoming, async () => {
        await makeDirectory(incoming);
        // Through a symbolic link it could be any folder.
        if (!(await lstat(incoming)).isDirectory())
          throw new Failure("disk-unwritable", `${incoming} is not a folder; move it away.`);
        for (const entry of await readdir(incoming, { withFileTypes: true }))
          if (!entry.isDirectory()) await unlink(join(incoming, entry.name));
      });
    },

    /** Absolute path of an original. */
    fileOf: (path: string): string => inside(root, path),

    /** Bytes that can still be written without being root, less what is set aside. Throws `disk-*`. */
    async freeBytes(): Promise<number> {
      return onDiskAsync(root, async () => {
        await makeDirectory(root);
        const { bavail, bsize } = await statfs(root);
        return bavail * bsize - asideBytes;
      });
    },

    /** Promises space to one card, so that another one does not count on it. */
    setAside(bytes: number): SpaceAside {
      let leftBytes = 0;
      const leave = (nextBytes: number) => {
        asideBytes += nextBytes - leftBytes;
        leftBytes = nextBytes;
      };
      leave(bytes);
      return { used: (usedBytes) => leave(Math.max(0, leftBytes - usedBytes)), release: () => leave(0) };
    },

    /**
     * Does the work while nobody else does theirs: between the question whether a content is kept and the row that says so, no
     * other card may give the same content a name.
     */
    alone: naming.take,

    /** Reads a card file once; on return the copy is proved. Throws `file-*`, `card-removed`, `disk-*`, `copy-unproved`. */
    async copy(volume: Volume, file: CardFile, signal: AbortSignal): Promise<CopyReply> {
      const part = join(incoming, `${randomUUID()}.part`);
      await removeGivenUp();
      try {
        return await audible(file, async () => copy.run({ ...requestFor(volume, file), part }, signal));
      } catch (error) {
        // A killed process could not clean up after itself.
        await unlink(part).catch(() => {});
        if (signal.aborted) givenUp.add(part);
        throw error;
      }
    },

    /**
     * SHA-256 of the first 64 KiB of each card file, `null` where it could not be read as it was listed. Throws `file-silent`,
     * `card-removed`.
     */
    async headHashes(
      { root: card, medium }: Volume,
      files: readonly CardFile[],
      signal: AbortSignal,
    ): Promise<readonly (string | null)[]> {
      const [first] = files;
      if (first === undefined) return [];
      return audible(first, async () => heads.run({ root: card, medium, files }, signal));
    },

    /** Reads a card file once more, past the page cache where that can be, and keeps nothing. Throws `file-*`, `card-removed`. */
    async readAgain(volume: Volume, file: CardFile, signal: AbortSignal): Promise<ColdHash> {
      return audible(file, async () => reread.run(requestFor(volume, file), signal));
    },

    /**
     * Gives a copy its final name without ever overwriting: an equal file there is adopted, another one keeps its name and
     * this one gets a suffix. Returns the path below the root; durable only after `sync`. Throws `disk-*`.
     */
    async place(part: Part, path: string): Promise<string> {
      const wanted = inside(root, path);
      return onDiskAsync(wanted, async () => {
        await mkdir(dirname(wanted), { recursive: true });
        for (const target of namesFor(wanted, part.hash)) {
          if (await move(part.part, target)) return relative(root, target);
          if (await isEqual(target, part)) {
            await unlink(part.part);
            return relative(root, target);
          }
        }
        throw new Error(`every name for ${wanted} holds something else`);
      });
    },

    /** Removes a copy that is not needed. */
    async discard(part: Pick<Part, "part">): Promise<void> {
      await onDiskAsync(part.part, async () => unlink(part.part));
    },

    /** Whether the original is on disk with that size. Throws `disk-*`. */
    async holds(path: string, sizeBytes: number): Promise<boolean> {
      const stats = await onDiskAsync(path, async () => statsOf(join(root, path)));
      return stats?.isFile() === true && stats.size === sizeBytes;
    },

    /**
     * The same for many at once, each asked in turn: through promises, 41,000 would take ten times as long as the disk needs. The
     * catalog waits for that disk just so. Throws `disk-*`.
     */
    holdsEach(originals: readonly { readonly path: string; readonly sizeBytes: number }[]): boolean[] {
      return originals.map(({ path, sizeBytes }) => {
        // Not joined: to make a path normal takes longer than to look there.
        const stats = onDisk(path, () => lstatSync(`${root}/${path}`, { throwIfNoEntry: false }));
        return stats?.isFile() === true && stats.size === sizeBytes;
      });
    },

    /** What reading back is worth on the filesystem of this library. Throws `disk-*`. */
    proof: (): Proof => onDisk(root, () => (wayPastCache(root) === "none" ? "cached" : "cold")),

    /** Makes the names of these originals survive a power cut, with all folders above them. Throws `disk-*`. */
    async sync(paths: readonly string[]): Promise<void> {
      const folders = new Set<string>();
      for (const path of paths)
        for (let at = dirname(inside(root, path)); at !== dirname(root) && !folders.has(at); at = dirname(at))
          folders.add(at);
      // The deepest first: a folder is found only when the one above it names it.
      const ordered = [...folders].sort((a, b) => b.length - a.length);
      for (const folder of ordered) await onDiskAsync(folder, async () => syncDirectory(folder));
    },

    /** Replaces the receipt in a session's folder, for programs and for people; durable on return. Throws `disk-*`. */
    async writeReceipt(folder: string, json: string, text: string): Promise<void> {
      for (const [name, content] of [
        [RECORDS.receipt, json],
        [RECORDS.receiptText, text],
      ] as const) {
        const path = join(inside(root, folder), name);
        await onDiskAsync(path, async () => writeDurably(path, content, incoming));
      }
    },

    /** Replaces the `SHA256SUMS` of a session's folder; durable on return. Throws `disk-*`. */
    async writeManifest(folder: string, lines: readonly ManifestLine[]): Promise<void> {
      const path = join(inside(root, folder), RECORDS.sums);
      await onDiskAsync(path, async () => writeDurably(path, writeManifest(lines), incoming));
    },

    /** Replaces the `session.json` of a session's folder; durable on return. Throws `disk-*`. */
    async writeRecord(folder: string, record: UnwrittenRecord): Promise<void> {
      const path = join(inside(root, folder), RECORDS.session);
      await onDiskAsync(path, async () => writeDurably(path, writeSessionRecord(record), incoming));
    },
  };

  async function removeGivenUp(): Promise<void> {
    const parts = [...givenUp];
    givenUp.clear();
    for (const part of parts) await unlink(part).catch(() => {});
  }

  /** Whether the file of that name has the same bytes, on the medium. */
  async function isEqual(target: string, part: Part): Promise<boolean> {
    const stats = await lstat(target);
    if (!stats.isFile() || stats.size !== part.sizeBytes) return false;
    const found = await hash.run({ path: target }, NEVER);
    return found.hash === part.hash;
  }
}

const NEVER = new AbortController().signal;

function requestFor(volume: Volume, file: CardFile): CardFileRequest {
  const { path, sizeBytes, modifiedMs } = file;
  return { root: volume.root, medium: volume.medium, path, name: displayPath(path), sizeBytes, modifiedMs };
}

/** Says of a read that was given up whose it was. */
async function audible<Reply>({ path }: CardFile, read: () => Promise<Reply>): Promise<Reply> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "worker-late") throw error;
    throw new Failure("file-silent", `${displayPath(path)} was asked for, and nothing came.`, {
      cause: error,
    });
  }
}

/** The name itself, then with more and more of the hash in it. */
function* namesFor(path: string, hash: string): Generator<string> {
  yield path;
  for (const digits of [8, 16, 64])
    yield join(dirname(path), withSuffix(basename(path), hash.slice(0, digits)));
}

/** False when the name is taken. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await moveWithoutOverwrite(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error) ?? "";
    if (code === "EEXIST") return false;
    if (!WITHOUT_LINKS.has(code)) throw error;
  }
  // Nothing of this process comes between the two, and the library has no other writer.
  if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) return false;
  renameSync(from, to);
  return true;
}

async function statsOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    // A file in the place of a folder, too: then it is not there.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

/** The absolute path; one that leads out of `originals` is a bug of the caller, whatever the card's names are. */
function inside(root: string, path: string): string {
  const originals = join(root, "originals");
  const absolute = join(root, path);
  if (!absolute.startsWith(`${originals}/`)) throw new Error(`${path} is not below originals`);
  return absolute;
}
