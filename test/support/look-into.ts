import { existsSync } from "node:fs";
import Database from "better-sqlite3";

/**
 * Opens a catalog as a crash has left it, to look and not to touch; `null` when nothing was ever committed to it: no file,
 * or one that was cut while SQLite made it a WAL database, which only a writer may roll back.
 */
export function lookInto(path: string): Database.Database | null {
  if (!existsSync(path)) return null;
  const catalog = new Database(path, { readonly: true, fileMustExist: true });
  try {
    catalog.pragma("user_version");
    return catalog;
  } catch (error) {
    catalog.close();
    if ((error as { code?: unknown }).code === "SQLITE_READONLY_ROLLBACK") return null;
    throw error;
  }
}
