import type { Connection } from "./open.ts";

interface Begun {
  readonly id: string;
  readonly sha256: string;
  readonly partBytes: number;
}

interface Part {
  readonly number: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly etag: string;
  readonly crc32: string | null;
}

/** How far uploads in parts to one store have come, so that they go on where they were. */
export function uploads(connection: Connection, store: string) {
  const find = connection.prepare<[string, string], Begun>(
    "SELECT id, sha256, part_bytes AS partBytes FROM upload WHERE store = ? AND key = ?",
  );
  const parts = connection.prepare<[string, string], Part>(
    `SELECT number, size_bytes AS sizeBytes, sha256, etag, crc32 FROM upload_part
       WHERE store = ? AND key = ? ORDER BY number`,
  );
  const drop = connection.prepare<[string, string]>("DELETE FROM upload WHERE store = ? AND key = ?");
  const put = connection.prepare<[string, string, string, string, number]>(
    "INSERT INTO upload (store, key, id, sha256, part_bytes) VALUES (?, ?, ?, ?, ?)",
  );
  const putPart = connection.prepare<[string, string, number, number, string, string, string | null]>(
    "INSERT OR REPLACE INTO upload_part (store, key, number, size_bytes, sha256, etag, crc32) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );

  return {
    /** The upload of a key that was begun and neither completed nor taken back, with what the store has of it. */
    begunUpload(key: string) {
      const begun = find.get(store, key);
      return begun === undefined ? null : { ...begun, parts: parts.all(store, key) };
    },

    /** Replaces what was begun of that key before. */
    beginUpload: (key: string, { id, sha256, partBytes }: Begun): void =>
      connection
        .transaction(() => {
          drop.run(store, key);
          put.run(store, key, id, sha256, partBytes);
        })
        .immediate(),

    recordPart(key: string, { number, sizeBytes, sha256, etag, crc32 }: Part): void {
      putPart.run(store, key, number, sizeBytes, sha256, etag, crc32);
    },

    forgetUpload: (key: string): void => void drop.run(store, key),
  };
}
