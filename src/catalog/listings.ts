import type { VolumeId } from "../domain/card.ts";
import type { Connection } from "./open.ts";

/** Cards that looked in a way in which all of them was kept. */
export function listings(connection: Connection) {
  const get = connection.prepare<[string], { digest: string; files: number }>(
    "SELECT digest, files FROM kept_listing WHERE volume = ?",
  );
  const put = connection.prepare<[string, string, number]>(
    `INSERT INTO kept_listing (volume, digest, files) VALUES (?, ?, ?)
       ON CONFLICT (volume) DO UPDATE SET digest = excluded.digest, files = excluded.files`,
  );
  const originals = connection.prepare<[string], { path: string; sizeBytes: number }>(
    `SELECT original.path, original.size_bytes AS sizeBytes FROM fingerprint JOIN original USING (hash) WHERE volume = ?`,
  );

  return {
    /** How a volume looked when everything on it was kept; `null` when a fingerprint of it, or any finding, was written since. */
    keptListing: (volume: VolumeId): { readonly digest: string; readonly files: number } | null =>
      get.get(volume) ?? null,

    /** Says that everything on a volume that looks like this is kept: holds until one of these is written. */
    keepListing(volume: VolumeId, digest: string, files: number): void {
      put.run(volume, digest, files);
    },

    /** The originals of all that is known of a volume. */
    originalsOf: (volume: VolumeId): readonly { readonly path: string; readonly sizeBytes: number }[] =>
      originals.all(volume),
  };
}
