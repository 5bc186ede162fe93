import type { ContentHash } from "../domain/hash.ts";
import { contentHash } from "../domain/hash.ts";
import type { Connection } from "./open.ts";

interface Row {
  hash: string;
  path: string;
  size_bytes: number;
  content_type: string;
}

/** Which originals go to the bucket. */
type Which = "raw" | "all";

// Under its key, with an extension or without: a dot is just before a slash (ASCII), so the primary key finds it.
const CHOSEN = `FROM original WHERE finding IS NULL AND (:which = 'all' OR kind = :which)`;
const ABSENT = `NOT EXISTS (SELECT 1 FROM object WHERE store = :store
  AND key >= 'originals/' || hash AND key < 'originals/' || hash || '/')`;

/** Originals in the store, beside the galleries. Those that are not as they were kept are left out. */
export function bucketOriginals(connection: Connection) {
  const absent = connection.prepare<{ which: Which; store: string; limit: number }, Row>(
    `SELECT hash, path, size_bytes, content_type ${CHOSEN} AND ${ABSENT} ORDER BY session DESC, path LIMIT :limit`,
  );
  const count = connection.prepare<{ which: Which; store: string }, { chosen: number; absent: number }>(
    `SELECT count(*) AS chosen, coalesce(sum(${ABSENT}), 0) AS absent ${CHOSEN}`,
  );
  return {
    /** Originals that the store is not known to have, of the newest session first. */
    absentOriginals: (store: string, which: Which, limit: number) =>
      absent.all({ which, store, limit }).map((row) => ({
        hash: contentHash(row.hash) satisfies ContentHash,
        path: row.path,
        sizeBytes: row.size_bytes,
        contentType: row.content_type,
      })),

    /** How many there are to be in the store, and how many of them are not known to be. */
    countOriginals: (store: string, which: Which) => count.get({ which, store }) ?? { chosen: 0, absent: 0 },
  };
}
