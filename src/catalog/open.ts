import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Failure } from "../domain/failure.ts";
import { MIGRATIONS } from "./migrations.ts";

export type Connection = Database.Database;

/** "GhRl": lets `file` and us tell this database from any other. */
const APPLICATION_ID = 0x4768526c;

/** Before 3.51.3 a WAL reset could lose committed pages (sqlite.org/releaselog/3_51_3.html). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Opens the catalog, making or migrating it. Throws `catalog-unusable` for one that is not ours, newer, or damaged. */
export function openConnection(path: string): Connection {
  return translated(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) refuseUntouched(path);
    const connection = new Database(path);
    try {
      configure(connection);
      migrate(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  });
}

/** Asks a connection that cannot write: even what is set on another one would change a foreign database. */
function refuseUntouched(path: string): void {
  const look = new Database(path, { readonly: true, fileMustExist: true });
  try {
    if (!isUnfinished(look)) refuseForeign(look, path);
  } finally {
    look.close();
  }
}

/**
 * Opens an existing catalog to look at it while another process may be writing; `null` when nothing is in it yet. Never
 * writes: one of an older GhostRoll, which may still be at work, is brought up to date in memory.
 */
export function openForReading(path: string): Connection | null {
  if (!existsSync(path)) return null;
  return translated(path, () => {
    const connection = new Database(path, { readonly: true, fileMustExist: true });
    if (isUnfinished(connection)) {
      connection.close();
      return null;
    }
    refuseForeign(connection, path);
    if (Number(connection.pragma("user_version", { simple: true })) === MIGRATIONS.length) return connection;
    try {
      return migratedCopy(connection);
    } finally {
      connection.close();
    }
  });
}

/** Where the header says how a database is written and read: 1 for a journal, 2 for WAL (sqlite.org/fileformat2.html, 1.3.3). */
const WAL_FLAGS = [18, 19] as const;

function migratedCopy(connection: Connection): Connection {
  const bytes = connection.serialize();
  // A database in memory has no file beside it for WAL.
  for (const at of WAL_FLAGS) bytes[at] = 1;
  const copy = new Database(bytes);
  migrate(copy);
  return copy;
}

/** Whether a crash met SQLite making this a WAL database: only a writer may roll that back, and nothing was in it before. */
function isUnfinished(connection: Connection): boolean {
  try {
    connection.pragma("user_version");
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === "SQLITE_READONLY_ROLLBACK") return true;
    throw error;
  }
}

function configure(connection: Connection): void {
  // KiB. This build would take 16 MB; what is not in there comes from the system's own cache, in microseconds.
  connection.pragma("cache_size = -4096");
  connection.pragma("busy_timeout = 5000");
  connection.pragma("journal_mode = WAL");
  // This build defaults to NORMAL in WAL: two fsyncs for a hundred commits, and a power cut loses acknowledged files.
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");
  connection.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
  const version = String(connection.prepare("SELECT sqlite_version()").pluck().get());
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const [oldMajor, oldMinor, oldPatch] = OLDEST_SQLITE;
  const isSafe =
    major * 1e6 + minor * 1e3 + patch >= oldMajor * 1e6 + oldMinor * 1e3 + oldPatch &&
    connection.pragma("synchronous", { simple: true }) === 2 &&
    connection.pragma("foreign_keys", { simple: true }) === 1;
  if (!isSafe) throw new Failure("catalog-unusable", `SQLite ${version} cannot keep the catalog safe here.`);
}

function migrate(connection: Connection): void {
  connection
    .transaction(() => {
      const applied = Number(connection.pragma("user_version", { simple: true }));
      for (const sql of MIGRATIONS.slice(applied)) connection.exec(sql);
      connection.pragma(`application_id = ${APPLICATION_ID}`);
      connection.pragma(`user_version = ${MIGRATIONS.length}`);
    })
    .immediate();
}

/** A database of another program, or one a newer GhostRoll has written, is left untouched. */
function refuseForeign(connection: Connection, path: string): void {
  const id = Number(connection.pragma("application_id", { simple: true }));
  const version = Number(connection.pragma("user_version", { simple: true }));
  const tables = Number(connection.prepare("SELECT count(*) FROM sqlite_schema").pluck().get());
  if (id !== APPLICATION_ID && (tables > 0 || version > 0))
    throw new Failure(
      "catalog-unusable",
      `${path} is not a GhostRoll catalog; set GHOSTROLL_DB_PATH to another file.`,
    );
  if (version > MIGRATIONS.length)
    throw new Failure(
      "catalog-unusable",
      `${path} was written by a newer GhostRoll; update this one to use it.`,
    );
}

/** Turns SQLite's errors into ours, once. */
export function translated<Result>(path: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw catalogFailure(error, path);
  }
}

/** `translated` for what takes its time. */
export async function translatedAsync<Result>(path: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw catalogFailure(error, path);
  }
}

function catalogFailure(error: unknown, path: string): unknown {
  const code = (error as { code?: unknown }).code;
  if (error instanceof Failure || typeof code !== "string") return error;
  if (code.startsWith("SQLITE_FULL") || code === "ENOSPC")
    return new Failure("disk-full", `The disk of the catalog ${path} is full.`, { cause: error });
  if (code.startsWith("SQLITE_BUSY"))
    return new Failure("catalog-busy", `Another GhostRoll is using ${path}.`, { cause: error });
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return new Failure(
      "catalog-unusable",
      `The catalog ${path} is damaged (${(error as Error).message}); \`ghostroll rebuild\` rebuilds it from the library.`,
      { cause: error },
    );
  if (/^(SQLITE_(CANTOPEN|IOERR|READONLY|PERM|AUTH)|EIO|EACCES|EPERM|EROFS|ENOTDIR|EEXIST)/.test(code))
    return new Failure(
      "catalog-unusable",
      `The catalog ${path} cannot be used: ${(error as Error).message}.`,
      { cause: error },
    );
  return error;
}
