import { randomBytes } from "node:crypto";
import type { CardFile, Volume, VolumeId } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import type { PastSession, Session, SessionId, Sharing, Tally, Trouble } from "../domain/session.ts";
import { sessionName } from "../domain/session.ts";
import type { Connection } from "./open.ts";

interface PastRow extends SessionRow {
  is_published: number;
  waits_for: string | null;
  link_ends_ms: number | null;
  is_revoked: number;
  is_standing: number;
}

export interface SessionRow {
  id: number;
  name: string;
  volume: string;
  label: string;
  day: string;
  slug: string;
  is_offloaded: number;
  gallery: string | null;
  station: string | null;
}

const KEPT = "('stored', 'rendered', 'uploaded', 'published')";
/** What a row is made of; of a shared gallery with the slug its stations have agreed on. */
export const COLUMNS = `session.id, session.name, volume, label, day, coalesce(session.shared_slug, session.slug) AS slug,
  is_offloaded, gallery, station`;
/** Whether nobody may see the gallery of a session. */
export const REVOKED =
  "EXISTS (SELECT 1 FROM revoked_gallery WHERE slug = coalesce(session.shared_slug, session.slug))";

/** Whether something of its revoked gallery may be left in a store. */
const STANDING =
  "EXISTS (SELECT 1 FROM revoked_gallery WHERE slug = coalesce(session.shared_slug, session.slug) AND is_gone = 0)";

/** Sessions and what became of them. */
export function sessions(connection: Connection) {
  const byId = connection.prepare<[number], SessionRow>(`SELECT ${COLUMNS} FROM session WHERE id = ?`);
  const all = connection.prepare<[], PastRow>(
    `SELECT ${COLUMNS}, is_published, waits_for, link_ends_ms, ${REVOKED} AS is_revoked, ${STANDING} AS is_standing
       FROM session ORDER BY id`,
  );
  const unfinished = connection.prepare<[string], SessionRow>(
    `SELECT ${COLUMNS} FROM session WHERE volume = ? AND is_offloaded = 0 ORDER BY id LIMIT 1`,
  );
  const undelivered = connection.prepare<[], SessionRow>(
    `SELECT ${COLUMNS} FROM session WHERE is_published = 0 AND NOT ${REVOKED}
       AND EXISTS (SELECT 1 FROM card_file WHERE session = session.id AND state IN ${KEPT}) ORDER BY id`,
  );
  const latestOf = connection.prepare<[string], SessionRow>(
    `SELECT ${COLUMNS} FROM session WHERE volume = ? AND is_published = 1 AND NOT ${REVOKED} ORDER BY id DESC LIMIT 1`,
  );
  const last = connection.prepare<[string], SessionRow>(
    `SELECT ${COLUMNS} FROM session WHERE volume = ? ORDER BY id DESC LIMIT 1`,
  );
  const failedPaths = connection
    .prepare<[number], Buffer>("SELECT path FROM card_file WHERE session = ? AND state = 'failed'")
    .pluck();
  const reopen = connection.prepare<[number]>(
    "UPDATE session SET is_offloaded = 0, is_published = 0 WHERE id = ?",
  );
  const putVolume = connection.prepare<[string, string]>(
    "INSERT INTO volume (id, label) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET label = excluded.label",
  );
  const nextId = connection
    .prepare("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'session'")
    .pluck();
  const insert = connection.prepare(
    "INSERT INTO session (id, name, volume, label, day, slug, gallery, station) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const stations = connection
    .prepare<[], string>(
      "SELECT station FROM session WHERE station IS NOT NULL GROUP BY station ORDER BY max(id) DESC",
    )
    .pluck();
  const finish = connection.prepare<[number]>("UPDATE session SET is_offloaded = 1 WHERE id = ?");
  const stop = connection.prepare<[string | null, number]>("UPDATE session SET waits_for = ? WHERE id = ?");
  const leaveOff = connection.prepare(
    "UPDATE session SET waits_for = 'interrupted' WHERE waits_for IS NULL AND (is_offloaded = 0 OR is_published = 0)",
  );
  const goOn = connection.prepare<[number]>(
    "UPDATE session SET waits_for = NULL WHERE id = ? AND is_offloaded = 1",
  );
  const putDoubt = connection.prepare<[number, Uint8Array, string]>(
    "INSERT INTO card_doubt (session, path, reason) VALUES (?, ?, ?) ON CONFLICT (session, path) DO UPDATE SET reason = excluded.reason",
  );
  const dropDoubt = connection.prepare<[Uint8Array, string]>(
    "DELETE FROM card_doubt WHERE path = ? AND session IN (SELECT id FROM session WHERE volume = ?)",
  );
  const doubts = connection.prepare<[number], { path: Buffer; reason: string }>(
    "SELECT path, reason FROM card_doubt WHERE session = ? ORDER BY path",
  );
  const store = connection.prepare<[number], { store: string | null }>(
    "SELECT store FROM session WHERE id = ?",
  );
  const moveStore = connection.prepare<[string, number]>(
    "UPDATE session SET store = ?, shared_slug = NULL WHERE id = ?",
  );
  const unzip = connection.prepare<[number]>("UPDATE session SET is_zipped = 0 WHERE id = ?");
  const putAgain = connection.prepare<[number]>(
    "UPDATE card_file SET state = 'rendered' WHERE session = ? AND state IN ('uploaded', 'published')",
  );
  const counts = connection.prepare<[number], { state: string; files: number; bytes: number }>(
    "SELECT state, count(*) AS files, sum(size_bytes) AS bytes FROM card_file WHERE session = ? GROUP BY state",
  );
  const damaged = connection
    .prepare<[number]>(
      `SELECT count(*) FROM card_file JOIN picture USING (hash) WHERE session = ? AND note IS NOT NULL AND state IN ${KEPT}`,
    )
    .pluck();
  const troubles = connection.prepare<[number], { path: Buffer; reason: string }>(
    `SELECT path, coalesce(reason, note) AS reason FROM card_file LEFT JOIN picture USING (hash)
       WHERE session = ? AND (state = 'failed' OR (note IS NOT NULL AND state IN ${KEPT})) ORDER BY card_file.id`,
  );

  function reopenFailed(volume: string, files: readonly CardFile[]): number | null {
    const before = last.get(volume);
    if (before === undefined) return null;
    const failed = new Set(failedPaths.all(before.id).map(pathKey));
    if (!files.every((file) => failed.has(pathKey(file.path)))) return null;
    reopen.run(before.id);
    return before.id;
  }

  /** Boxes are called alike, as every Raspberry Pi is; four random letters tell them apart for good. */
  function stationOf(name: string): string {
    const own = stations.all().find((station) => station.replace(/-[0-9a-f]{4}$/, "") === name);
    return own ?? `${name}-${randomBytes(2).toString("hex")}`;
  }

  function insertSession(volume: Volume, day: string, sharing: Sharing | null): number {
    const id = Number(nextId.get());
    const random = randomBytes(2).toString("hex");
    insert.run(
      id,
      sessionName(id, random),
      volume.id,
      volume.label,
      day,
      randomBytes(16).toString("base64url"),
      sharing?.gallery ?? null,
      sharing && stationOf(sharing.station),
    );
    return id;
  }

  return {
    allSessions: (): readonly PastSession[] => all.all().map(toPast),
    /** The newest session of a volume. */
    lastSession: (volume: VolumeId): Session | null => toSession(last.get(volume)),
    sessionNamed: (id: SessionId): Session | null => toSession(byId.get(id)),
    unfinishedSession: (volume: VolumeId): Session | null => toSession(unfinished.get(volume)),
    /** The newest complete gallery of a volume that guests may see: what to show when there is nothing new. */
    latestGallery: (volume: VolumeId): Session | null => toSession(latestOf.get(volume)),
    undelivered: (): readonly Session[] => undelivered.all().flatMap((row) => toSession(row) ?? []),

    /** With `sharing` its gallery is a shared one, and the station's name is made unlike any other's. */
    openSession(
      volume: Volume,
      day: string,
      files: readonly CardFile[],
      sharing: Sharing | null = null,
    ): Session {
      return connection
        .transaction(() => {
          putVolume.run(volume.id, volume.label);
          const id = reopenFailed(volume.id, files) ?? insertSession(volume, day, sharing);
          const session = toSession(byId.get(id));
          if (session === null) throw new Failure("catalog-unusable", "A session just written is not there.");
          return session;
        })
        .immediate();
    },

    failedFiles: (id: SessionId): readonly Uint8Array[] => failedPaths.all(id),

    finishOffload(id: SessionId): void {
      finish.run(id);
    },

    /** Remembers what stopped a session; `null` when it goes on. */
    stopped(id: SessionId, code: FailureCode | null): void {
      stop.run(code, id);
    },

    /** Says at a start that nothing goes on yet: who was killed could not. */
    leftOff(): void {
      leaveOff.run();
    },

    /** Names a file that its card gave differently when it was read again. */
    doubt(id: SessionId, path: Uint8Array, reason: string): void {
      putDoubt.run(id, path, reason);
    },

    /** A file that its card once gave differently was read again, and is what is kept. */
    undoubt(volume: VolumeId, path: Uint8Array): void {
      dropDoubt.run(path, volume);
    },

    /** Says that delivering goes on, where the gallery goes, and that its zips are to be looked at again. When that is another store than before, everything is put there again. */
    beginDelivery(id: SessionId, into: string): void {
      connection
        .transaction(() => {
          unzip.run(id);
          goOn.run(id);
          const before = store.get(id)?.store ?? null;
          if (before === into) return;
          if (before !== null) putAgain.run(id);
          moveStore.run(into, id);
        })
        .immediate();
    },

    tally(id: SessionId): Tally {
      const rows = counts.all(id);
      const files = (...states: string[]) =>
        rows.filter((row) => states.includes(row.state)).reduce((sum, row) => sum + row.files, 0);
      const kept = rows.filter((row) => !["found", "failed", "duplicate"].includes(row.state));
      return {
        found: rows.reduce((sum, row) => sum + row.files, 0),
        kept: kept.reduce((sum, row) => sum + row.files, 0),
        keptBytes: kept.reduce((sum, row) => sum + row.bytes, 0),
        duplicates: files("duplicate"),
        failed: files("failed"),
        damaged: Number(damaged.get(id)),
        rendered: files("rendered", "uploaded", "published"),
        uploaded: files("uploaded", "published"),
        published: files("published"),
      };
    },

    troubles: (id: SessionId): readonly Trouble[] =>
      [...troubles.all(id), ...doubts.all(id)].map(({ path, reason }) => ({
        name: displayPath(path),
        reason,
      })),
  };
}

function toPast({
  is_published,
  waits_for,
  link_ends_ms,
  is_revoked,
  is_standing,
  ...row
}: PastRow): PastSession {
  return {
    ...sessionIn(row),
    isPublished: is_published === 1,
    waitsFor: waits_for as FailureCode | null,
    linkEndsMs: link_ends_ms,
    isRevoked: is_revoked === 1,
    isStanding: is_standing === 1,
  };
}

const toSession = (row: SessionRow | undefined): Session | null =>
  row === undefined ? null : sessionIn(row);

/** The session of a row with `COLUMNS`. */
export function sessionIn(row: SessionRow): Session {
  const { id, name, volume, label, day, slug, is_offloaded, gallery, station } = row;
  return {
    id: id as SessionId,
    name,
    volume: volume as VolumeId,
    label,
    day,
    slug,
    isOffloaded: is_offloaded === 1,
    sharing: gallery === null || station === null ? null : { gallery, station },
  };
}
