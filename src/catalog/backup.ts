import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { Failure } from "../domain/failure.ts";
import { syncDirectory } from "../flow/durable.ts";
import type { Connection } from "./open.ts";
import { translatedAsync } from "./open.ts";

/** A week of days: damage that creeps in is noticed before the last good copy goes. */
const KEPT_BACKUPS = 7;
const NAME = /^ghostroll-(\d{6,})\.db$/;

/**
 * Writes a copy of the catalog into a folder, checked and durable on return, and drops the oldest beyond seven. Copies are
 * numbered: the clock may be wrong. Returns the path.
 */
export async function backUp(connection: Connection, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const taken = backupsIn(folder);
  const number = (taken.at(-1)?.number ?? 0) + 1;
  const path = join(folder, `ghostroll-${String(number).padStart(6, "0")}.db`);
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  // A copy of the file alone would miss what is still in the write-ahead log (sqlite.org/howtocorrupt.html §1.2).
  connection.prepare("VACUUM INTO ?").run(temporary);
  assertWhole(temporary);
  await syncFile(temporary);
  renameSync(temporary, path);
  await syncDirectory(folder);
  for (const { name } of taken.slice(0, Math.max(0, taken.length + 1 - KEPT_BACKUPS)))
    rmSync(join(folder, name));
  return path;
}

/** When the newest copy in a folder was made, by the clock of that time, in ms since 1970; `null` when none can be seen. */
export function lastBackUpMs(folder: string): number | null {
  try {
    const newest = backupsIn(folder).at(-1);
    return newest === undefined ? null : statSync(join(folder, newest.name)).mtimeMs;
  } catch {
    // Whether the folder can be worked with is seen when the next one is made.
    return null;
  }
}

/**
 * Puts a new catalog in the place of one that is lost or damaged. The old one, with its log, keeps all its bytes under
 * the returned name; `null` when there was none. Both must be closed.
 */
export async function replaceCatalog(path: string, by: string): Promise<string | null> {
  return translatedAsync(path, async () => replace(path, by));
}

async function replace(path: string, by: string): Promise<string | null> {
  const parts = ["", "-wal", "-shm"].filter((end) => existsSync(path + end));
  const aside = asideFor(path);
  for (const end of parts) giveName(path + end, aside + end);
  await syncFile(by);
  await syncDirectory(dirname(path));
  // The database before its log: without that it would look whole, and lack what was committed last. A log that lay beside the
  // new one would be read into it. In between there is no catalog, which is noticed.
  for (const ends of [[""], ["-wal", "-shm"]]) {
    for (const end of ends) rmSync(path + end, { force: true });
    await syncDirectory(dirname(path));
  }
  renameSync(by, path);
  await syncDirectory(dirname(path));
  return parts.length > 0 ? aside : null;
}

/** A second name; where the filesystem knows only one for a file, the new one instead of the old. */
function giveName(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    renameSync(path, name);
  }
}

function backupsIn(folder: string): { readonly name: string; readonly number: number }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const number = NAME.exec(name)?.[1];
      return number === undefined ? [] : [{ name, number: Number(number) }];
    })
    .toSorted((a, b) => a.number - b.number);
}

function asideFor(path: string): string {
  const names = new Set(readdirSync(dirname(path)));
  for (let number = 1; ; number++) {
    const name = `${basename(path)}.old-${number}`;
    if (!["", "-wal", "-shm"].some((end) => names.has(name + end))) return join(dirname(path), name);
  }
}

function assertWhole(path: string): void {
  const copy = new Database(path, { readonly: true });
  try {
    const said = String(copy.pragma("quick_check", { simple: true }));
    if (said !== "ok") throw new Failure("catalog-unusable", `The backup ${path} is not whole: ${said}.`);
  } finally {
    copy.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
