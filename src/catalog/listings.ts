import type { VolumeId } from "../domain/card.ts";
import type { Connection } from "./open.ts";

interface OriginalRow {
  fingerprint: Buffer;
  path: string;
  size_bytes: number;
  is_sound: number;
}

/** Rows read at once: whatever else waits has its turn between two pages. */
const PAGE = 1024;

/** Cards that looked in a way in which all of them was kept. */
export function listings(connection: Connection) {
  const get = connection.prepare<[string], { digest: string; files: number }>(
    "SELECT digest, files FROM kept_listing WHERE volume = ?",
  );
  const put = connection.prepare<[string, string, number]>(
    `INSERT INTO kept_listing (volume, digest, files) VALUES (?, ?, ?)
       ON CONFLICT (volume) DO UPDATE SET digest = excluded.digest, files = excluded.files`,
  );
  const originals = connection.prepare<[string, Uint8Array, number], OriginalRow>(
    `SELECT fingerprint.path AS fingerprint, original.path, original.size_bytes, finding IS NULL AS is_sound
       FROM fingerprint JOIN original USING (hash)
       WHERE volume = ? AND fingerprint.path > ? ORDER BY fingerprint.path LIMIT ?`,
  );

  return {
    /** How a volume looked when everything on it was kept; `null` when something of it has changed in the catalog since. */
    keptListing: (volume: VolumeId): { readonly digest: string; readonly files: number } | null =>
      get.get(volume) ?? null,

    /** Says that everything on a volume that looks like this is kept: holds until a fingerprint of it changes. */
    keepListing(volume: VolumeId, digest: string, files: number): void {
      put.run(volume, digest, files);
    },

    /**
     * The next originals of what is known of a volume, after one of its paths; `isSound` is false for one that was not as it should
     * be when it was last read back. None: there are no more.
     */
    originalsAfter: (volume: VolumeId, after: Uint8Array) =>
      originals.all(volume, after, PAGE).map((row) => ({
        knownPath: row.fingerprint as Uint8Array,
        path: row.path,
        sizeBytes: row.size_bytes,
        isSound: row.is_sound === 1,
      })),
  };
}
