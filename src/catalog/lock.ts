import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Failure } from "../domain/failure.ts";
import { translated } from "./open.ts";

/**
 * Whoever asks whether a library is worked on holds the lock for less than a millisecond of its own time, and may ask again and
 * again; on a busy machine it may be stopped in the middle of that, for as long as others have their turns.
 */
const WAIT_MS = 1000;

/**
 * Makes this process the only one that writes to a library; returns the release. The lock is SQLite's own (fcntl), so it
 * ends with the process however that ends, and no stale lock file needs a person. Throws `catalog-busy` when it is
 * held for longer than a moment.
 */
export function lockLibrary(path: string, waitMs = WAIT_MS): () => void {
  return translated(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    const lock = new Database(path, { timeout: waitMs });
    try {
      lock.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      lock.close();
      if (!String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY")) throw error;
      throw new Failure("catalog-busy", "Another GhostRoll is working on this library.", { cause: error });
    }
    return () => lock.close();
  });
}

/**
 * Whether a process is working on the library now. It asks as a reader, whom only that process shuts out: those who ask do not
 * take each other for one, and need not be allowed to write.
 */
export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  return translated(path, () => {
    const look = new Database(path, { readonly: true, timeout: 0 });
    try {
      look.pragma("user_version");
      return false;
    } catch (error) {
      if (String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY")) return true;
      throw error;
    } finally {
      look.close();
    }
  });
}
