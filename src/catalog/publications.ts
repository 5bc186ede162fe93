import { randomBytes } from "node:crypto";
import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";
import { REVOKED_MEANWHILE } from "./outbox.ts";
import type { SessionRow } from "./sessions.ts";
import { COLUMNS, REVOKED, sessionIn } from "./sessions.ts";

/** A complete gallery that guests may see. */
interface Publication {
  readonly session: Session;
  /** Which links its pages hold; `null` when that is not known, or they are to be signed again. */
  readonly signedWith: string | null;
  /** When the link ends that guests were given last; `null` when it does not, or none was given. */
  readonly linkEndsMs: number | null;
}

interface PublicationRow extends SessionRow {
  signed_with: string | null;
  link_ends_ms: number | null;
}

/** Objects of the gallery with this `:slug`. */
export const BELOW = "key GLOB 'g/' || :slug || '/*'";

/** Who may see the gallery of a session, by which links, and until when. */
export function publications(connection: Connection, store: string) {
  const session = connection.prepare<[number], SessionRow & { store: string | null }>(
    `SELECT ${COLUMNS}, store FROM session WHERE id = ?`,
  );
  const putRevoked = connection.prepare(
    `INSERT OR IGNORE INTO revoked_gallery (slug, store, session)
       SELECT :slug, store, :id FROM (SELECT :store AS store UNION SELECT store FROM session WHERE id = :id
         UNION SELECT store FROM object WHERE ${BELOW}) WHERE store IS NOT NULL`,
  );
  const forgetObjects = connection.prepare(`DELETE FROM object WHERE ${BELOW}`);
  const close = connection.prepare<[number]>("UPDATE session SET is_published = 0 WHERE id = ?");
  const putAgain = connection.prepare<[number]>(
    "UPDATE card_file SET state = 'rendered' WHERE session = ? AND state IN ('uploaded', 'published')",
  );
  const dropMessages = connection.prepare<[string, string]>(
    `UPDATE message SET state = 'given-up', reason = ?
       WHERE session IN (SELECT id FROM session WHERE coalesce(shared_slug, slug) = ?)
         AND state = 'waiting' AND event <> 'trouble'`,
  );
  const isRevoked = connection
    .prepare<[string]>("SELECT 1 FROM revoked_gallery WHERE slug = ? LIMIT 1")
    .pluck();
  const toTakeDown = connection.prepare<[string], SessionRow & { revoked: string }>(
    `SELECT ${COLUMNS}, revoked_gallery.slug AS revoked
       FROM revoked_gallery JOIN session ON session.id = revoked_gallery.session
       WHERE revoked_gallery.store = ? AND is_gone = 0 ORDER BY session.id`,
  );
  const tookDown = connection.prepare<[string, string]>(
    "UPDATE revoked_gallery SET is_gone = 1 WHERE slug = ? AND store = ?",
  );
  const left = connection
    .prepare<{ id: number }, string>(
      `SELECT DISTINCT store FROM revoked_gallery WHERE is_gone = 0 AND (session = :id
         OR slug = (SELECT coalesce(shared_slug, slug) FROM session WHERE id = :id))`,
    )
    .pluck();
  const rename = connection.prepare<[string, number]>(
    "UPDATE session SET slug = ?, shared_slug = NULL WHERE id = ?",
  );
  const forgetLinks = connection.prepare<[number]>(
    "UPDATE session SET signed_with = NULL, link_ends_ms = NULL WHERE id = ?",
  );
  const published = connection.prepare<[string], PublicationRow>(
    `SELECT ${COLUMNS}, signed_with, link_ends_ms FROM session
       WHERE is_published = 1 AND store = ? AND NOT ${REVOKED} ORDER BY id`,
  );
  // Nobody was given the link of a gallery that was rebuilt from the library: they have an older one.
  const putLinks = connection.prepare(
    `UPDATE session SET signed_with = :signedWith, link_ends_ms = :endsMs,
       warned_of_ms = CASE WHEN is_rebuilt THEN :endsMs ELSE warned_of_ms END WHERE id = :id`,
  );
  const warn = connection.prepare<[number, number, number]>(
    "UPDATE session SET warned_of_ms = ? WHERE id = ? AND warned_of_ms IS NOT ?",
  );
  // Counts what other connections have written (sqlite.org/pragma.html).
  const foreignWrites = () => connection.pragma("data_version", { simple: true });
  let seenWrites = foreignWrites();

  const rowOf = (id: SessionId) => {
    const row = session.get(id);
    if (row === undefined) throw new Error(`there is no session ${id}`);
    return row;
  };

  return {
    /** Whether nobody may see the gallery of this name any more. */
    isRevoked: (slug: string): boolean => isRevoked.get(slug) === 1,

    /** From now on nobody may see the gallery of a session; nothing of it is put into a store again by itself. */
    revoke: (id: SessionId): void =>
      connection
        .transaction(() => {
          const { slug } = rowOf(id);
          putRevoked.run({ slug, store, id });
          forgetObjects.run({ slug });
          close.run(id);
          putAgain.run(id);
          forgetLinks.run(id);
          dropMessages.run(REVOKED_MEANWHILE, slug);
        })
        .immediate(),

    /** Revoked galleries of which something may be left in this store. */
    toTakeDown: (): readonly { readonly slug: string; readonly session: Session }[] =>
      toTakeDown.all(store).map(({ revoked, ...row }) => ({ slug: revoked, session: sessionIn(row) })),

    /** Nothing of it is left in this store, and the session's record says that it is revoked. */
    tookDown: (slug: string): void => void tookDown.run(slug, store),

    /** Stores that may still hold something of what was revoked of a session. */
    storesLeft: (id: SessionId): readonly string[] => left.all({ id }),

    /**
     * Has the gallery of a session shared again: a revoked one under another name, since links to the old one never open again;
     * any other with fresh links. Returns the session as it is now.
     */
    renew: (id: SessionId): Session =>
      connection
        .transaction(() => {
          if (isRevoked.get(rowOf(id).slug) === 1) {
            rename.run(randomBytes(16).toString("base64url"), id);
            // Who was at work on the old one may have claimed what it had put just before.
            close.run(id);
            putAgain.run(id);
          }
          forgetLinks.run(id);
          const { store: _, ...row } = rowOf(id);
          return sessionIn(row);
        })
        .immediate(),

    /** Complete galleries in this store that guests may see, oldest first. */
    published: (): readonly Publication[] =>
      published.all(store).map(({ signed_with, link_ends_ms, ...row }) => ({
        session: sessionIn(row),
        signedWith: signed_with,
        linkEndsMs: link_ends_ms,
      })),

    /** Records which links the pages in the store hold, and when the one ends that guests were given. */
    linksPut: (id: SessionId, signedWith: string, linkEndsMs: number | null): void =>
      void putLinks.run({ signedWith, endsMs: linkEndsMs, id }),

    /** Records that the owner is warned of this end of a link; false when that has been done before. */
    warned: (id: SessionId, endsMs: number): boolean => warn.run(endsMs, id, endsMs).changes === 1,

    /** Whether another process has written to the catalog since this was asked last. */
    wasWrittenElsewhere(): boolean {
      const before = seenWrites;
      seenWrites = foreignWrites();
      return seenWrites !== before;
    },
  };
}
