import type { Finding } from "../domain/finding.ts";
import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import type { SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";

/** An original as it was kept. */
interface Kept {
  readonly hash: ContentHash;
  readonly path: string;
  readonly sizeBytes: number;
}

/** At which start of the machine, and how many seconds after it. */
interface Round {
  readonly boot: string;
  readonly uptimeSeconds: number;
}

interface KeptRow {
  hash: string;
  path: string;
  size_bytes: number;
}

/** When originals were read back, and what was found. */
export function upkeep(connection: Connection) {
  const run = connection.prepare("SELECT coalesce(max(read_in), 0) + 1 FROM original").pluck();
  const counts = connection.prepare<[], { originals: number; bytes: number; findings: number }>(
    "SELECT count(*) AS originals, coalesce(sum(size_bytes), 0) AS bytes, count(finding) AS findings FROM original",
  );
  const due = connection.prepare<[number, number], KeptRow>(
    "SELECT hash, path, size_bytes FROM original WHERE read_in < ? ORDER BY finding IS NULL, read_in, path LIMIT ?",
  );
  const after = connection.prepare<[string, number], KeptRow>(
    "SELECT hash, path, size_bytes FROM original WHERE path > ? ORDER BY path LIMIT ?",
  );
  const mark = connection.prepare<[number, Finding | null, string]>(
    "UPDATE original SET read_in = ?, finding = ? WHERE hash = ?",
  );
  const modified = connection.prepare<[string], { modified_ms: number }>(
    "SELECT modified_ms FROM card_file WHERE hash = ? ORDER BY id LIMIT 1",
  );

  const lastRound = connection.prepare<[], { boot: string; uptime_seconds: number }>(
    "SELECT boot, uptime_seconds FROM upkeep_round",
  );
  const putRound = connection.prepare<[string, number]>(
    "INSERT OR REPLACE INTO upkeep_round (id, boot, uptime_seconds) VALUES (1, ?, ?)",
  );

  const damaged = `hash IN (SELECT hash FROM picture WHERE note IS NOT NULL)
    AND state IN ('rendered', 'uploaded', 'published') AND (:session IS NULL OR session = :session)`;
  const reopen = connection.prepare<{ session: number | null }>(
    `UPDATE session SET is_published = 0 WHERE id IN (SELECT session FROM card_file WHERE ${damaged})`,
  );
  const unrender = connection.prepare<{ session: number | null }>(
    `UPDATE card_file SET state = 'stored' WHERE ${damaged}`,
  );

  return {
    /** Has pictures that could not be made tried again, in one session or, with `null`, in all. Returns how many there are. */
    tryAgain: (session: SessionId | null): number =>
      connection
        .transaction(() => {
          reopen.run({ session });
          return unrender.run({ session }).changes;
        })
        .immediate(),

    /** When the last round of upkeep ended; `null` before the first. */
    lastRound(): Round | null {
      const row = lastRound.get();
      return row === undefined ? null : { boot: row.boot, uptimeSeconds: row.uptime_seconds };
    },

    roundDone({ boot, uptimeSeconds }: Round): void {
      putRound.run(boot, uptimeSeconds);
    },

    /** The number of the next run that reads originals back. */
    nextRun: (): number => Number(run.get()),

    originals: (): { readonly originals: number; readonly bytes: number; readonly findings: number } =>
      counts.get() ?? { originals: 0, bytes: 0, findings: 0 },

    /** What this run has not read yet: first what was not as it should be, then what was read longest ago. */
    due: (inRun: number, limit: number): readonly Kept[] => due.all(inRun, limit).map(toKept),

    /** Originals in the order of their paths, from the one after `path` on. */
    originalsAfter: (path: string, limit: number): readonly Kept[] => after.all(path, limit).map(toKept),

    /** Records in one transaction that these were read back in this run, and what was wrong. */
    markRead: (inRun: number, batch: readonly { hash: ContentHash; finding: Finding | null }[]): void =>
      connection
        .transaction(() => {
          for (const { hash, finding } of batch) mark.run(inRun, finding, hash);
        })
        .immediate(),

    /** When the card said that a kept content was last changed. */
    modifiedMs: (hash: ContentHash): number | null => modified.get(hash)?.modified_ms ?? null,
  };
}

function toKept({ hash, path, size_bytes }: KeptRow): Kept {
  return { hash: contentHash(hash), path, sizeBytes: size_bytes };
}
