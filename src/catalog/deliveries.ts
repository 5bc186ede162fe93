import type { Capture } from "../domain/capture.ts";
import { captureFromFile } from "../domain/capture.ts";
import { displayName } from "../domain/card-path.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import type { Media, MediaKind } from "../domain/media.ts";
import type { Derived, PresetName, Rendition } from "../domain/rendition.ts";
import type { SessionId } from "../domain/session.ts";
import type { Delivered } from "../domain/tiles.ts";
import { stemOf } from "../domain/tiles.ts";
import type { Connection } from "./open.ts";

interface Kept {
  readonly id: number;
  readonly path: Uint8Array;
  readonly name: string;
  readonly hash: ContentHash;
  readonly media: Media;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly originalPath: string;
}

interface KeptRow {
  id: number;
  path: Buffer;
  state: string;
  modified_ms: number;
  hash: string;
  size_bytes: number;
  original_path: string;
  kind: MediaKind;
  content_type: string;
}

interface PictureRow {
  hash: string;
  color: string | null;
  note: string | null;
  taken_ms: number | null;
  offset_minutes: number | null;
  taken_from: Capture["takenFrom"];
  camera: string | null;
  lens: string | null;
  exposure: string | null;
}

interface DeliveredRow extends PictureRow {
  path: Buffer;
  state: string;
  modified_ms: number;
  kind: MediaKind;
  has_picture: 0 | 1;
}

interface RenditionRow {
  hash: string;
  preset: PresetName;
  width: number;
  height: number;
  size_bytes: number;
  sha256: string;
}

const KEPT_COLUMNS = `card_file.id, card_file.path, card_file.state, card_file.modified_ms, hash, original.size_bytes,
  original.path AS original_path, kind, content_type`;

/** What became of kept files on their way to the store. */
export function deliveries(connection: Connection, store: string) {
  const kept = connection.prepare<[number, string, number], KeptRow>(
    `SELECT ${KEPT_COLUMNS} FROM card_file JOIN original USING (hash)
       WHERE card_file.session = ? AND state = ? ORDER BY card_file.id LIMIT ?`,
  );
  const all = connection.prepare<[number], DeliveredRow>(
    `SELECT card_file.path, state, modified_ms, card_file.hash, kind, picture.hash IS NOT NULL AS has_picture, color, note,
         taken_ms, offset_minutes, taken_from, camera, lens, exposure
       FROM card_file JOIN original USING (hash) LEFT JOIN picture USING (hash)
       WHERE card_file.session = ? AND state <> 'duplicate' ORDER BY card_file.id`,
  );
  const renditions = connection.prepare<[number], RenditionRow>(
    "SELECT rendition.* FROM rendition JOIN card_file USING (hash) WHERE session = ? AND state <> 'duplicate'",
  );
  const picture = connection.prepare<[string], PictureRow>("SELECT * FROM picture WHERE hash = ?");
  const renditionsOf = connection.prepare<[string], RenditionRow>("SELECT * FROM rendition WHERE hash = ?");
  const putPicture = connection.prepare(
    `INSERT OR REPLACE INTO picture (hash, color, note, taken_ms, offset_minutes, taken_from, camera, lens, exposure)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const dropRenditions = connection.prepare<[string]>("DELETE FROM rendition WHERE hash = ?");
  const putRendition = connection.prepare(
    "INSERT INTO rendition (hash, preset, width, height, size_bytes, sha256) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const publish = connection.prepare<[number]>(
    "UPDATE card_file SET state = 'published' WHERE session = ? AND state = 'uploaded'",
  );
  // What the store holds of a rebuilt session is known again once its gallery is complete.
  const complete = connection.prepare<{ isComplete: number; session: number }>(
    `UPDATE session SET is_published = :isComplete, is_rebuilt = is_rebuilt AND NOT :isComplete WHERE id = :session`,
  );
  const rebuilt = connection.prepare<[number]>("SELECT is_rebuilt FROM session WHERE id = ?").pluck();
  const object = connection.prepare<[string, string], { sha256: string }>(
    "SELECT sha256 FROM object WHERE store = ? AND key = ?",
  );
  const putObject = connection.prepare(
    `INSERT INTO object (store, key, size_bytes, sha256) VALUES (?, ?, ?, ?)
       ON CONFLICT (store, key) DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256`,
  );
  const dropObject = connection.prepare<[string, string]>("DELETE FROM object WHERE store = ? AND key = ?");

  function renditionsByHash(session: SessionId): ReadonlyMap<string, Rendition[]> {
    const byHash = new Map<string, Rendition[]>();
    for (const row of renditions.iterate(session)) {
      const list = byHash.get(row.hash);
      if (list === undefined) byHash.set(row.hash, [toRendition(row)]);
      else list.push(toRendition(row));
    }
    return byHash;
  }

  return {
    /** Kept files that have no renditions yet. */
    stored: (session: SessionId, limit: number): readonly Kept[] =>
      kept.all(session, "stored", limit).map((row) => toKept(row)),

    /** Files whose renditions are made but not in the store. */
    rendered(session: SessionId, limit: number) {
      return kept.all(session, "rendered", limit).flatMap((row) => {
        const found = picture.get(row.hash);
        return found === undefined
          ? []
          : [{ file: toKept(row), ...toPicture(found, renditionsOf.all(row.hash).map(toRendition)) }];
      });
    },

    /** Every kept file of a session as a gallery shows it; `isInStore` when its renditions are there. */
    delivered(session: SessionId): readonly Delivered[] {
      const byHash = renditionsByHash(session);
      const files: Delivered[] = [];
      const sameWords = interner();
      for (const row of all.iterate(session)) {
        const { camera, lens } = row;
        const capture =
          row.has_picture === 1
            ? toCapture({ ...row, camera: sameWords(camera), lens: sameWords(lens) })
            : captureFromFile(row.modified_ms);
        files.push({
          hash: contentHash(row.hash),
          kind: row.kind,
          name: displayName(row.path),
          stem: stemOf(row.path),
          isInStore: row.state === "uploaded" || row.state === "published",
          capture,
          color: row.color,
          note: row.note,
          renditions: byHash.get(row.hash) ?? [],
        });
      }
      return files;
    },

    putPicture(hash: ContentHash, derived: Derived, capture: Capture): void {
      dropRenditions.run(hash);
      const { takenMs, offsetMinutes, takenFrom, camera, lens, exposure } = capture;
      putPicture.run(
        hash,
        derived.color,
        derived.note,
        takenMs,
        offsetMinutes,
        takenFrom,
        camera,
        lens,
        exposure,
      );
      for (const { preset, width, height, sizeBytes, sha256 } of derived.renditions)
        putRendition.run(hash, preset, width, height, sizeBytes, sha256);
    },

    markPublished(session: SessionId, isComplete: boolean): void {
      connection
        .transaction(() => {
          publish.run(session);
          complete.run({ isComplete: isComplete ? 1 : 0, session });
        })
        .immediate();
    },

    /** Whether the rows of a session were rebuilt, so that only the store knows what it holds. */
    isRebuilt: (session: SessionId): boolean => rebuilt.get(session) === 1,

    objectHash: (key: string): string | null => object.get(store, key)?.sha256 ?? null,

    forgetObject: (key: string): void => void dropObject.run(store, key),

    recordObjects: (objects: readonly { key: string; sizeBytes: number; sha256: string }[]): void =>
      connection
        .transaction(() => {
          for (const { key, sizeBytes, sha256 } of objects) putObject.run(store, key, sizeBytes, sha256);
        })
        .immediate(),
  };
}

function toKept(row: KeptRow): Kept {
  return {
    id: row.id,
    path: row.path,
    name: displayName(row.path),
    hash: contentHash(row.hash),
    media: { kind: row.kind, contentType: row.content_type },
    sizeBytes: row.size_bytes,
    modifiedMs: row.modified_ms,
    originalPath: row.original_path,
  };
}

function toRendition({ preset, width, height, size_bytes, sha256 }: RenditionRow): Rendition {
  return { preset, width, height, sizeBytes: size_bytes, sha256 };
}

function toPicture(
  row: PictureRow,
  renditions: readonly Rendition[],
): { derived: Derived; capture: Capture } {
  return {
    derived: { renditions, color: row.color, note: row.note },
    capture: toCapture(row),
  };
}

function toCapture(row: PictureRow): Capture {
  return {
    takenMs: row.taken_ms,
    offsetMinutes: row.offset_minutes,
    takenFrom: row.taken_from,
    camera: row.camera,
    lens: row.lens,
    exposure: row.exposure,
  };
}

/** One string for all that are the same: SQLite gives another one for each row. */
function interner(): (word: string | null) => string | null {
  const words = new Map<string, string>();
  return (word) => {
    if (word === null) return null;
    const known = words.get(word);
    if (known === undefined) words.set(word, word);
    return known ?? word;
  };
}
