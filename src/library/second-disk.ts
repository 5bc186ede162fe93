import { randomUUID } from "node:crypto";
import { lstat, readFile, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { portablePath, RECORDS } from "../domain/layout.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import { writeDurably } from "../flow/durable.ts";
import type { ColdHash } from "./cold-hash.ts";
import type { HashRequest } from "./hash-task.ts";
import { openLibrary } from "./library.ts";
import type { SecondRequest } from "./second-task.ts";
import type { CopyReply } from "./task.ts";

interface SecondOptions {
  /** Absolute path of the folder on the second disk; a person makes it, so that it is missing when the disk is. */
  readonly folder: string;
  /** Absolute path of the library's root. */
  readonly root: string;
  /** Space that is never used: the disk may be the library's own. */
  readonly reserveBytes: number;
  /** Runs `second-task.ts` where a hung disk harms nobody. */
  readonly copy: { run(request: SecondRequest, signal: AbortSignal): Promise<CopyReply | null> };
  /** Runs `hash-task.ts` there. */
  readonly hash: { run(request: HashRequest, signal: AbortSignal): Promise<ColdHash> };
  /** Whether what lies at two paths survives the end of each other's disk. */
  readonly areOnOtherDisks: (one: string, other: string) => Promise<boolean>;
}

/** Tells this disk from an empty folder it is not mounted on, and from another disk. */
const MARK = ".ghostroll-second";

const NO_CARD = { run: () => Promise.reject(new Error("the second disk reads no card")) };

/** The folder on another disk that gets a copy of every original. Nothing in here unlinks or overwrites an original. */
export function openSecondDisk(options: SecondOptions) {
  const { folder, root, reserveBytes, copy, hash, areOnOtherDisks } = options;
  const disk = openLibrary({ root: folder, copy: NO_CARD, heads: NO_CARD, reread: NO_CARD, hash });

  return {
    folder,

    /**
     * Says which disk it is, and whether what is there counts as a second copy, once it is ready to be written to. `expected` is the one that was there before, if there was one:
     * an empty mount point is never taken for it. Throws `second-*`.
     */
    async identify(expected: string | null): Promise<{ readonly id: string; readonly counts: boolean }> {
      return onSecond(folder, async () => {
        const stats = await statsOf(folder);
        if (stats?.isDirectory() !== true)
          throw new Failure(
            "second-missing",
            `There is no folder ${folder}. If the disk is in and new, make the folder on it once.`,
          );
        const id = (await markOf(folder)) ?? (await begin(expected));
        await disk.sweep();
        // What cannot be read back from a disk is proved nowhere: a second copy in memory is none.
        return { id, counts: disk.proof() === "cold" && (await areOnOtherDisks(folder, root)) };
      });
    },

    /**
     * Copies an original there under the same path. On return the copy is proved; durable only after `sync`. Returns its path
     * below the folder. Throws `second-*`, `original-damaged`.
     */
    async keep(
      original: { readonly hash: ContentHash; readonly path: string; readonly sizeBytes: number },
      signal: AbortSignal,
    ): Promise<string> {
      const { path, sizeBytes } = original;
      return onSecond(folder, async () => {
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < sizeBytes + reserveBytes)
          throw new Failure("second-full", `There is no room left on the second disk for ${path}.`);
        const part = join(folder, "incoming", `${randomUUID()}.part`);
        const request = { ...original, root, target: join(folder, path), part };
        const made = await copy.run(request, signal).catch(async (error: unknown) => {
          // A killed process, or one that found another content than it should, leaves it.
          await unlink(part).catch(() => {});
          throw error;
        });
        if (made === null) return path;
        try {
          return await disk.place(made, path);
        } catch (error) {
          if (!NAME_REFUSED.test(codeOfCause(error))) throw error;
          return disk.place(made, portablePath(path, original.hash));
        }
      });
    },

    /** Makes the names of these copies survive a power cut. Throws `second-*`. */
    sync: (paths: readonly string[]): Promise<void> => onSecond(folder, () => disk.sync(paths)),

    /** Whether the copy is there with that size. Throws `second-*`. */
    holds: (path: string, sizeBytes: number): Promise<boolean> =>
      onSecond(folder, () => disk.holds(path, sizeBytes)),

    /** Replaces the `SHA256SUMS` of a session's folder there. Throws `second-*`. */
    writeManifest: (session: string, lines: readonly ManifestLine[]): Promise<void> =>
      onSecond(folder, () => disk.writeManifest(session, lines)),

    /** Makes the `session.json` of a session's folder there the library's, from which a lost catalog is made anew. Throws `second-*`. */
    copyRecord: (session: string): Promise<void> =>
      onSecond(folder, async () => {
        const [ours, theirs] = [root, folder].map((base) => join(base, session, RECORDS.session)) as [
          string,
          string,
        ];
        const [stats, there] = await Promise.all([statsOf(ours), statsOf(theirs)]);
        const isThere = stats?.size === there?.size && (there?.mtimeMs ?? 0) >= (stats?.mtimeMs ?? 0);
        if (stats === null || isThere) return;
        await writeDurably(theirs, await readFile(ours), join(folder, "incoming"));
      }),
  };

  async function begin(expected: string | null): Promise<string> {
    if (expected !== null)
      throw new Failure(
        "second-missing",
        `${folder} is not the disk that holds the second copies: it has no ${MARK}. For a new disk, name another folder in GHOSTROLL_SECOND_DIR.`,
      );
    if ((await statsOf(join(folder, "incoming"))) !== null)
      throw new Failure(
        "second-unwritable",
        `${folder} holds a folder "incoming" of something else; name another one.`,
      );
    const id = randomUUID();
    await writeDurably(join(folder, MARK), `${id}\n`);
    return id;
  }
}

async function markOf(folder: string): Promise<string | null> {
  try {
    const id = (await readFile(join(folder, MARK), "utf8")).trim();
    if (/^[0-9a-f-]{36}$/.test(id)) return id;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  throw new Failure("second-unwritable", `${join(folder, MARK)} is damaged.`);
}

async function statsOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

/** What filesystems from Windows say to a name they do not take. */
const NAME_REFUSED = /^(EINVAL|EILSEQ|ENAMETOOLONG)$/;

function codeOfCause(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : null) ?? "";
}

/** The same errors as on the library's disk, told of the other one. */
async function onSecond<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Failure) throw renamed(error, folder);
    const code = codeOf(error);
    if (code === null || /^(EMFILE|ENFILE|ENOMEM|EBADF)$/.test(code)) throw error;
    throw new Failure("second-unwritable", `The second disk refused ${folder} (${code}).`, { cause: error });
  }
}

function renamed(error: Failure, folder: string): Failure {
  const { code } = error;
  const options = { cause: error.cause ?? error };
  if (code === "disk-full")
    return new Failure("second-full", `There is no room left on the second disk, ${folder}.`, options);
  if (code === "disk-unwritable")
    return new Failure(
      "second-unwritable",
      `The second disk refused ${folder} (${codeOfCause(error)}).`,
      options,
    );
  if (code === "copy-unproved")
    return new Failure("second-unwritable", "A copy read back from the second disk differs.", options);
  if (code === "worker-died" || code === "worker-late")
    return new Failure("second-unwritable", `The second disk, ${folder}, does not answer.`, options);
  return error;
}
