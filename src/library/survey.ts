import type { Dirent } from "node:fs";
import { lstat, open, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { codeOf } from "../domain/device-error.ts";
import { RECORDS } from "../domain/layout.ts";
import type { Media } from "../domain/media.ts";
import { identify, SNIFF_BYTES } from "../domain/media.ts";
import { onDiskAsync } from "./disk-failure.ts";

export interface SurveyedFile {
  /** Below the library's root. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The folder of one session as it lies on disk. */
export interface SurveyedFolder {
  /** Below the library's root. */
  readonly path: string;
  readonly day: string;
  readonly name: string;
  /** Text of its `session.json`, `null` when it has none. */
  readonly record: string | null;
  /** Text of its `SHA256SUMS`, `null` when it has none. */
  readonly sums: string | null;
  /** Everything else that is a regular file. */
  readonly files: readonly SurveyedFile[];
}

/** `originals/<year>/<day>/<session>`, as `sessionFolder` makes them. */
const FOLDER = /^originals\/(?:\d{4}|undated)\/(\d{4}-\d\d-\d\d|undated)\/(\d{4,}-[0-9a-f]{4})$/;

/** What we write ourselves, whole or, after a power cut, as the half of a replacement. */
const OURS = new RegExp(`^(${Object.values(RECORDS).map(escaped).join("|")})(\\.[0-9a-f-]{36}\\.tmp)?$`);

/** What is in a library, without a catalog. Looks only. */
export function openSurvey(root: string) {
  return {
    /** The folders of sessions, in the order of their paths. Throws `disk-unwritable`. */
    async *folders(): AsyncGenerator<SurveyedFolder> {
      for (const path of await sessionFolders(root)) {
        const [, day = "", name = ""] = FOLDER.exec(path) ?? [];
        yield await onDiskAsync(path, async () => ({
          path,
          day,
          name,
          record: await textOf(join(root, path, RECORDS.session)),
          sums: await textOf(join(root, path, RECORDS.sums)),
          files: await filesBelow(root, path),
        }));
      }
    },

    /** Regular files below `originals` that are in no folder of a session: nobody's, and left alone. */
    async strays(): Promise<readonly string[]> {
      const folders = await sessionFolders(root);
      const isInSession = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
      const files = await entriesOf(join(root, "originals"));
      return files
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .filter((path) => !isInSession(path));
    },

    /** What a file is, by its first bytes and its name. Throws `disk-unwritable`. */
    async identify(path: string): Promise<Media> {
      return onDiskAsync(path, async () => {
        const file = await open(join(root, path), "r");
        try {
          const head = Buffer.alloc(SNIFF_BYTES);
          const { bytesRead } = await file.read(head, 0, SNIFF_BYTES, 0);
          return identify(path, head.subarray(0, bytesRead));
        } finally {
          await file.close();
        }
      });
    },
  };
}

/** Whether there is the folder of any session: then a catalog that is missing has been lost. */
export async function hasSessions(root: string): Promise<boolean> {
  return (await sessionFolders(root)).length > 0;
}

async function sessionFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const year of await entriesOf(join(root, "originals"), false))
    for (const day of year.isDirectory() ? await entriesOf(join(year.parentPath, year.name), false) : [])
      for (const session of day.isDirectory() ? await entriesOf(join(day.parentPath, day.name), false) : []) {
        const path = relative(root, join(session.parentPath, session.name));
        if (session.isDirectory() && FOLDER.test(path)) found.push(path);
      }
  return found.toSorted();
}

async function filesBelow(root: string, folder: string): Promise<SurveyedFile[]> {
  const files: SurveyedFile[] = [];
  for (const entry of await entriesOf(join(root, folder))) {
    const path = relative(root, join(entry.parentPath, entry.name));
    if (!entry.isFile() || (dirname(path) === folder && OURS.test(entry.name))) continue;
    const stats = await lstat(join(root, path));
    files.push({ path, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function entriesOf(path: string, recursive = true): Promise<Dirent[]> {
  return onDiskAsync(path, async () => {
    try {
      return await readdir(path, { withFileTypes: true, recursive });
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
  });
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function escaped(text: string): string {
  return text.replaceAll(".", "\\.");
}
