import type { CardFile, Fingerprint, VolumeId } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import { pathKey } from "../domain/card-path.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import type { FileState } from "../domain/file-state.ts";
import { mayBecome } from "../domain/file-state.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import { sessionFolder } from "../domain/layout.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import type { Media } from "../domain/media.ts";
import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";

interface FileRow {
  id: number;
  path: Buffer;
  size_bytes: number;
  modified_ms: number;
  state: FileState;
}

interface KnownRow {
  path: Buffer;
  size_bytes: number;
  modified_ms: number;
  hash: string;
  head_hash: string;
  original_path: string;
}

interface Known extends Omit<Fingerprint, "path"> {
  readonly hash: ContentHash;
  readonly headHash: string;
  readonly originalPath: string;
}

interface Copied {
  readonly hash: ContentHash;
  readonly headHash: string;
  readonly sizeBytes: number;
  readonly media: Media;
}

interface Tracked extends Fingerprint {
  readonly id: number;
  readonly state: FileState;
}

type Settled =
  | { readonly to: "stored"; readonly file: Tracked; readonly copy: Copied; readonly path: string }
  | { readonly to: "duplicate"; readonly file: Tracked; readonly copy: Copied }
  | { readonly to: "failed"; readonly file: Tracked; readonly code: FailureCode; readonly reason: string };

/** What was found on cards, and what of it is kept. */
export function files(connection: Connection) {
  const known = connection.prepare<[string], KnownRow>(
    `SELECT fingerprint.path, fingerprint.size_bytes, modified_ms, hash, head_hash, original.path AS original_path
       FROM fingerprint JOIN original USING (hash) WHERE volume = ? AND finding IS NULL`,
  );
  const find = connection.prepare<[number, Uint8Array, number, number]>(
    `INSERT INTO card_file (session, path, size_bytes, modified_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (session, path) DO UPDATE SET state = 'found', failure = NULL, reason = NULL,
         size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms WHERE state IN ('failed', 'found')`,
  );
  const settled = connection
    .prepare<[number], Buffer>(
      "SELECT path FROM card_file WHERE session = ? AND state NOT IN ('found', 'failed')",
    )
    .pluck();
  const refuse = connection.prepare<[number, Uint8Array, string]>(
    `INSERT INTO card_file (session, path, size_bytes, modified_ms, state, failure, reason)
       VALUES (?, ?, 0, 0, 'failed', 'file-refused', ?) ON CONFLICT (session, path) DO NOTHING`,
  );
  const pending = connection.prepare<[number], FileRow>(
    "SELECT id, path, size_bytes, modified_ms, state FROM card_file WHERE session = ? AND state = 'found' ORDER BY id",
  );
  const original = connection.prepare<[string], { path: string; size_bytes: number }>(
    "SELECT path, size_bytes FROM original WHERE hash = ? AND finding IS NULL",
  );
  const putOriginal = connection.prepare<[string, number, string, string, string, number]>(
    `INSERT INTO original (hash, size_bytes, path, kind, content_type, session, read_in)
       VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(read_in), 0) FROM original))
       ON CONFLICT (hash) DO UPDATE SET path = excluded.path, session = excluded.session,
         read_in = excluded.read_in, finding = NULL`,
  );
  const putFingerprint = connection.prepare<[string, Uint8Array, number, number, string, string]>(
    `INSERT INTO fingerprint (volume, path, size_bytes, modified_ms, hash, head_hash) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (volume, path) DO UPDATE SET size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms,
         hash = excluded.hash, head_hash = excluded.head_hash`,
  );
  const keep = connection.prepare<[string, string, number, string]>(
    "UPDATE card_file SET state = ?, hash = ? WHERE id = ? AND state = ?",
  );
  const fail = connection.prepare<[string, string, number, string]>(
    "UPDATE card_file SET state = 'failed', failure = ?, reason = ? WHERE id = ? AND state = ?",
  );
  const manifest = connection.prepare<[number], { hash: string; path: string }>(
    "SELECT hash, path FROM original WHERE session = ? ORDER BY path",
  );
  const advance = connection.prepare<[string, number, string]>(
    "UPDATE card_file SET state = ? WHERE id = ? AND state = ?",
  );

  return {
    /** What need not be read again if its original is there: of one that is not as it should be, the card may have the last good copy. */
    known(volume: VolumeId): Map<string, Known> {
      // Row by row: all of them at once beside the map would double what a large card takes.
      const files = new Map<string, Known>();
      for (const row of known.iterate(volume))
        files.set(pathKey(row.path), {
          sizeBytes: row.size_bytes,
          modifiedMs: row.modified_ms,
          hash: contentHash(row.hash),
          headHash: row.head_hash,
          originalPath: row.original_path,
        });
      return files;
    },

    settledPaths(session: SessionId): ReadonlySet<string> {
      const paths = new Set<string>();
      for (const path of settled.iterate(session)) paths.add(pathKey(path));
      return paths;
    },

    find: (session: SessionId, found: readonly CardFile[]): void =>
      connection
        .transaction(() => {
          for (const { path, sizeBytes, modifiedMs } of found)
            expectOne(find.run(session, path, sizeBytes, modifiedMs).changes);
        })
        .immediate(),

    refuse: (
      session: SessionId,
      refused: readonly { readonly path: CardPath; readonly reason: string }[],
    ): void =>
      connection
        .transaction(() => {
          for (const { path, reason } of refused) refuse.run(session, path, reason);
        })
        .immediate(),

    pending: (session: SessionId): readonly Tracked[] =>
      pending.all(session).map((row) => ({ ...toFingerprint(row), id: row.id, state: row.state })),

    /** `null` also for one that was not as it should be when it was last read back. */
    original(hash: ContentHash): { readonly path: string; readonly sizeBytes: number } | null {
      const row = original.get(hash);
      return row === undefined ? null : { path: row.path, sizeBytes: row.size_bytes };
    },

    settle: (session: Session, batch: readonly Settled[]): void =>
      connection
        .transaction(() => {
          for (const outcome of batch) {
            const { file } = outcome;
            assertMove(file.state, outcome.to);
            if (outcome.to === "failed") {
              expectOne(fail.run(outcome.code, outcome.reason, file.id, file.state).changes);
              continue;
            }
            const { hash, headHash, sizeBytes, media } = outcome.copy;
            if (outcome.to === "stored")
              putOriginal.run(hash, sizeBytes, outcome.path, media.kind, media.contentType, session.id);
            expectOne(keep.run(outcome.to, hash, file.id, file.state).changes);
            putFingerprint.run(session.volume, file.path, file.sizeBytes, file.modifiedMs, hash, headHash);
          }
        })
        .immediate(),

    /** Another content that a card gave for a file that is kept already: kept beside it, for no file of a session. */
    keepOther: (session: Session, copy: Copied, path: string): void =>
      void putOriginal.run(
        copy.hash,
        copy.sizeBytes,
        path,
        copy.media.kind,
        copy.media.contentType,
        session.id,
      ),

    manifest(session: Session): readonly ManifestLine[] {
      const folder = `${sessionFolder(session)}/`;
      return manifest.all(session.id).map(({ hash, path }) => ({
        hash: contentHash(hash),
        path: path.startsWith(folder) ? path.slice(folder.length) : path,
      }));
    },

    /** Moves files on, each only from the state it is believed to be in. */
    advance: (ids: readonly number[], from: FileState, to: FileState): void =>
      connection
        .transaction(() => {
          assertMove(from, to);
          for (const id of ids) expectOne(advance.run(to, id, from).changes);
        })
        .immediate(),
  };
}

function toFingerprint(row: FileRow): Fingerprint {
  return { path: row.path, sizeBytes: row.size_bytes, modifiedMs: row.modified_ms };
}

function assertMove(from: FileState, to: FileState): void {
  if (!mayBecome(from, to)) throw new Error(`a file that is ${from} cannot become ${to}`);
}

/** Compare-and-set: zero rows mean that somebody else moved the file, which a single writer never sees. */
function expectOne(changes: number): void {
  if (changes !== 1) throw new Failure("catalog-unusable", `A row was expected to change, ${changes} did.`);
}
