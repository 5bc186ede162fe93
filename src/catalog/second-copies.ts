import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import { sessionFolder } from "../domain/layout.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";

interface OriginalRow {
  hash: string;
  path: string;
  size_bytes: number;
}

/** Which originals have a proved copy on another disk. */
export function secondCopies(connection: Connection) {
  const disk = connection.prepare<[string], { id: string }>("SELECT id FROM second_disk WHERE folder = ?");
  const leave = connection.prepare<[string, string]>(
    "UPDATE second_disk SET folder = id WHERE folder = ? AND id <> ?",
  );
  const putDisk = connection.prepare<[string, string]>(
    "INSERT INTO second_disk (id, folder) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET folder = excluded.folder",
  );
  const sessions = connection
    .prepare<[string], number>(
      `SELECT DISTINCT session FROM original
         WHERE NOT EXISTS (SELECT 1 FROM second_copy WHERE disk = ? AND hash = original.hash) ORDER BY session DESC`,
    )
    .pluck();
  const uncopied = connection.prepare<[number, string, number], OriginalRow>(
    `SELECT hash, path, size_bytes FROM original WHERE session = ?
       AND NOT EXISTS (SELECT 1 FROM second_copy WHERE disk = ? AND hash = original.hash) ORDER BY path LIMIT ?`,
  );
  const countUncopied = connection
    .prepare<[number, string], number>(
      `SELECT count(*) FROM original WHERE session = ? AND NOT EXISTS (
         SELECT 1 FROM second_copy JOIN second_disk ON disk = id WHERE folder = ? AND hash = original.hash)`,
    )
    .pluck();
  const put = connection.prepare<[string, string, string]>(
    "INSERT INTO second_copy (disk, hash, path) VALUES (?, ?, ?) ON CONFLICT (disk, hash) DO UPDATE SET path = excluded.path",
  );
  const manifest = connection.prepare<[number, string], { hash: string; path: string }>(
    `SELECT hash, second_copy.path FROM second_copy JOIN original USING (hash) WHERE session = ? AND disk = ?
       ORDER BY second_copy.path`,
  );
  const copy = connection
    .prepare<[string, string], string>("SELECT path FROM second_copy WHERE disk = ? AND hash = ?")
    .pluck();

  return {
    /** The disk that was last seen in that folder. */
    secondDisk: (folder: string): string | null => disk.get(folder)?.id ?? null,

    /** Says that this disk is in that folder now. */
    meetSecondDisk: (folder: string, id: string): void =>
      connection
        .transaction(() => {
          leave.run(folder, id);
          putDisk.run(id, folder);
        })
        .immediate(),

    /** Sessions with originals that have no copy on that disk, the newest first: its card may be waiting for it. */
    uncopiedSessions: (id: string): readonly SessionId[] => sessions.all(id) as SessionId[],

    uncopied: (session: SessionId, id: string, limit: number) =>
      uncopied.all(session, id, limit).map((row) => ({
        hash: contentHash(row.hash),
        path: row.path,
        sizeBytes: row.size_bytes,
      })),

    /** How many originals of a session have no copy on the disk that was last in that folder. */
    countUncopied: (session: SessionId, folder: string): number => Number(countUncopied.get(session, folder)),

    /** One transaction. Must be called only with copies that are proved and durable. */
    settleSecond: (
      id: string,
      batch: readonly { readonly hash: ContentHash; readonly path: string }[],
    ): void =>
      connection
        .transaction(() => {
          for (const { hash, path } of batch) put.run(id, hash, path);
        })
        .immediate(),

    /** What a session has on that disk, relative to its folder. */
    secondManifest(session: Pick<Session, "id" | "day" | "name">, id: string): readonly ManifestLine[] {
      const folder = `${sessionFolder(session)}/`;
      return manifest
        .all(session.id, id)
        .filter(({ path }) => path.startsWith(folder))
        .map(({ hash, path }) => ({ hash: contentHash(hash), path: path.slice(folder.length) }));
    },

    /** Where the copy of an original is on that disk, below its folder. */
    secondCopy: (id: string, hash: ContentHash): string | null => copy.get(id, hash) ?? null,
  };
}
