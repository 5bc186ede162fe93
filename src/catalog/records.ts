import type { FailureCode } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import type { Media, MediaKind } from "../domain/media.ts";
import type { Session } from "../domain/session.ts";
import type { RecordedFate, RecordedFile } from "../domain/session-record.ts";
import type { Connection } from "./open.ts";

/** What a session is made of, as far as the library still bears it out. */
export interface Restored {
  readonly session: Session;
  /** On disk, seen there. */
  readonly originals: readonly {
    readonly hash: ContentHash;
    readonly path: string;
    readonly sizeBytes: number;
    readonly media: Media;
  }[];
  /** Those that are kept or duplicates have their original in this or another session. */
  readonly files: readonly RecordedFile[];
  /** Names of its galleries that nobody may see any more. */
  readonly revoked: readonly string[];
}

interface Row {
  id: number;
  path: Buffer;
  size_bytes: number;
  modified_ms: number;
  state: string;
  hash: string | null;
  failure: FailureCode | null;
  reason: string | null;
  head_hash: string | null;
  original_session: number | null;
  original_path: string;
  kind: MediaKind;
  content_type: string;
}

/** Sessions as records that outlive the catalog, and back. */
export function records(connection: Connection, store: string) {
  // In the order of its own key from there on: sorted by an index on the session, each page would sort all of it.
  const rows = connection.prepare<[string, number, number, number], Row>(
    `SELECT card_file.id, card_file.path, card_file.size_bytes, card_file.modified_ms, state, card_file.hash, failure, reason, head_hash,
         original.session AS original_session, original.path AS original_path, kind, content_type
       FROM card_file LEFT JOIN original USING (hash)
         LEFT JOIN fingerprint AS known ON known.volume = ? AND known.path = card_file.path AND known.hash = card_file.hash
       WHERE +card_file.session = ? AND card_file.id > ? AND state <> 'found' ORDER BY card_file.id LIMIT ?`,
  );
  const putVolume = connection.prepare<[string, string]>(
    "INSERT INTO volume (id, label) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET label = excluded.label",
  );
  // A session of which nothing is kept has nothing to deliver.
  const putSession = connection.prepare(
    `INSERT INTO session (id, name, volume, label, day, slug, gallery, station, is_offloaded, is_published, is_rebuilt)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, 1)`,
  );
  const putOriginal = connection.prepare<[string, number, string, string, string, number]>(
    "INSERT INTO original (hash, size_bytes, path, kind, content_type, session) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const putFile = connection.prepare<
    [number, Uint8Array, number, number, string, string | null, string | null, string | null]
  >(
    `INSERT INTO card_file (session, path, size_bytes, modified_ms, state, hash, failure, reason)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const putFingerprint = connection.prepare<[string, Uint8Array, number, number, string, string]>(
    "INSERT OR REPLACE INTO fingerprint (volume, path, size_bytes, modified_ms, hash, head_hash) VALUES (?, ?, ?, ?, ?, ?)",
  );

  const slugOf = connection
    .prepare<[number], string>("SELECT coalesce(shared_slug, slug) FROM session WHERE id = ?")
    .pluck();
  const revokedOf = connection
    .prepare<[number], string>("SELECT DISTINCT slug FROM revoked_gallery WHERE session = ? ORDER BY slug")
    .pluck();
  // Whether it is gone is not known any more: looking for it once more costs one request.
  const putRevoked = connection.prepare<[string, string, number]>(
    "INSERT INTO revoked_gallery (slug, store, session) VALUES (?, ?, ?)",
  );

  function restoreFile({ id, volume }: Session, { path, sizeBytes, modifiedMs, fate }: RecordedFile): void {
    if (fate.to === "failed") {
      putFile.run(id, path, sizeBytes, modifiedMs, "failed", null, fate.code, fate.reason);
      return;
    }
    const state = fate.to === "kept" ? "stored" : "duplicate";
    putFile.run(id, path, sizeBytes, modifiedMs, state, fate.hash, null, null);
    if (fate.headHash !== null)
      putFingerprint.run(volume, path, sizeBytes, modifiedMs, fate.hash, fate.headHash);
  }

  return {
    /** Names of galleries: the one a session has now, and those of it that nobody may see any more. */
    galleryNames: ({ id, slug }: Session) => ({ slug: slugOf.get(id) ?? slug, revoked: revokedOf.all(id) }),

    /** Files of a session as they are recorded, from the one after this row on. */
    recordedAfter: (
      session: Session,
      after: number,
      limit: number,
    ): readonly (RecordedFile & { id: number })[] =>
      rows.all(session.volume, session.id, after, limit).map((row) => ({
        id: row.id,
        path: row.path,
        sizeBytes: row.size_bytes,
        modifiedMs: row.modified_ms,
        fate: toFate(row, session),
      })),

    /** Fills an empty catalog, in one transaction. Every kept file goes through rendering and the store's own answers again. */
    restore: (all: readonly Restored[]): void =>
      connection
        .transaction(() => {
          for (const { session, files } of all) {
            const isKept = files.some(({ fate }) => fate.to === "kept");
            putVolume.run(session.volume, session.label);
            const { id, name, volume, label, day, slug, sharing } = session;
            const { gallery = null, station = null } = sharing ?? {};
            putSession.run(id, name, volume, label, day, slug, gallery, station, isKept ? 0 : 1);
          }
          for (const { session, originals } of all)
            for (const { hash, sizeBytes, path, media } of originals)
              putOriginal.run(hash, sizeBytes, path, media.kind, media.contentType, session.id);
          for (const { session, files } of all) for (const file of files) restoreFile(session, file);
          for (const { session, revoked } of all)
            for (const slug of revoked) putRevoked.run(slug, store, session.id);
        })
        .immediate(),
  };
}

function toFate(row: Row, session: Session): RecordedFate {
  if (row.hash === null)
    return { to: "failed", code: row.failure ?? "file-unreadable", reason: row.reason ?? "" };
  const hash = contentHash(row.hash);
  const headHash = row.head_hash;
  if (row.state === "duplicate") return { to: "duplicate", hash, headHash };
  const isOurs = row.original_session === session.id;
  const media = { kind: row.kind, contentType: row.content_type };
  return { to: "kept", hash, headHash, original: isOurs ? { path: row.original_path, media } : null };
}
