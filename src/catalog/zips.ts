import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";
import type { SessionRow } from "./sessions.ts";
import { COLUMNS, REVOKED, sessionIn } from "./sessions.ts";

/** What is known of the zips of galleries. */
export function zips(connection: Connection, store: string) {
  const unzipped = connection.prepare<[string], SessionRow>(
    `SELECT ${COLUMNS} FROM session
       WHERE is_published = 1 AND is_zipped = 0 AND store = ? AND gallery IS NULL AND NOT ${REVOKED} ORDER BY id`,
  );
  const mark = connection.prepare<[number]>("UPDATE session SET is_zipped = 1 WHERE id = ?");
  const claim = connection.prepare<[string, string, number]>(
    "INSERT INTO zip (store, key, session) VALUES (?, ?, ?) ON CONFLICT (store, key) DO NOTHING",
  );
  const claimed = connection
    .prepare<[string, number], string>("SELECT key FROM zip WHERE store = ? AND session = ? ORDER BY key")
    .pluck();
  const drop = connection.prepare<[string, string]>("DELETE FROM zip WHERE store = ? AND key = ?");
  const dropObject = connection.prepare<[string, string]>("DELETE FROM object WHERE store = ? AND key = ?");

  return {
    /** Sessions with a complete gallery of their own in this store whose zips were not looked at since. */
    unzipped: (): readonly Session[] => unzipped.all(store).map(sessionIn),

    claimZip: (session: SessionId, key: string): void => void claim.run(store, key, session),

    zipKeys: (session: SessionId): readonly string[] => claimed.all(store, session),

    dropZip: (key: string): void =>
      connection
        .transaction(() => {
          drop.run(store, key);
          dropObject.run(store, key);
        })
        .immediate(),

    markZipped: (session: SessionId): void => void mark.run(session),
  };
}
