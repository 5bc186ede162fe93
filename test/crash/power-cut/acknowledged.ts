import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { lookInto } from "../../support/look-into.ts";

/** Content hashes by path below the library's root, of the originals somebody who asks is told of, and of their copies on a second disk. */
export type Acknowledged = ReadonlyMap<string, string>;

const ON_SECOND = "second disk: ";

/** How many of them are copies on a second disk. */
export function countSecond(acknowledged: Acknowledged): number {
  return [...acknowledged.keys()].filter((path) => path.startsWith(ON_SECOND)).length;
}

const NOTHING: Acknowledged = new Map();

/**
 * Looks on, as `ghostroll sessions` would, at what a process at work acknowledges. A row can be seen from the moment on that
 * its transaction is committed, so everything that was ever seen has to survive.
 */
export function watchCatalog(path: string): { look(): Acknowledged; close(): void } {
  let connection: Database.Database | null = null;
  let version: unknown;
  let seen = NOTHING;

  /** Before the writer has made it a WAL database, a reader would be in its way. */
  const connect = () => {
    if (connection === null && existsSync(`${path}-shm`))
      connection = new Database(path, { readonly: true, fileMustExist: true });
    return connection;
  };
  return {
    look() {
      const reader = connect();
      if (reader === null) return seen;
      const now = reader.pragma("data_version", { simple: true });
      if (now === version) return seen;
      seen = keptOf(reader);
      version = now;
      return seen;
    },
    close() {
      connection?.close();
      connection = null;
    },
  };
}

/** What a catalog says after all is over. */
export function readAcknowledged(path: string): Acknowledged {
  const connection = lookInto(path);
  if (connection === null) return NOTHING;
  try {
    return keptOf(connection);
  } finally {
    connection.close();
  }
}

function keptOf(connection: Database.Database): Acknowledged {
  const isMade =
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'second_copy'").get() !== undefined;
  if (!isMade) return NOTHING;
  const rows = connection
    .prepare(`SELECT path, hash FROM original UNION ALL SELECT '${ON_SECOND}' || path, hash FROM second_copy`)
    .all() as { path: string; hash: string }[];
  return new Map(rows.map(({ path, hash }) => [path, hash]));
}
