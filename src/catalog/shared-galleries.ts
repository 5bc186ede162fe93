import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";
import { BELOW } from "./publications.ts";

/** Sessions that fill one gallery with others, of this station and of more. */
export function sharedGalleries(connection: Connection, store: string) {
  const slugOf = connection
    .prepare<[number], string | null>("SELECT shared_slug FROM session WHERE id = ?")
    .pluck();
  const join = connection.prepare<[string, number]>("UPDATE session SET shared_slug = ? WHERE id = ?");
  const putAgain = connection.prepare<[number]>(
    "UPDATE card_file SET state = 'rendered' WHERE session = ? AND state IN ('uploaded', 'published')",
  );
  const reopen = connection.prepare<[number]>("UPDATE session SET is_published = 0 WHERE id = ?");
  const putRevoked = connection.prepare<[string, string, number]>(
    "INSERT INTO revoked_gallery (slug, store, session) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const forgetObjects = connection.prepare<{ slug: string }>(`DELETE FROM object WHERE ${BELOW}`);
  const UNFINISHED = "(SELECT id FROM session WHERE shared_slug = ? AND is_published = 0)";
  const putUnfinishedAgain = connection.prepare<[string]>(
    `UPDATE card_file SET state = 'rendered' WHERE session IN ${UNFINISHED} AND state IN ('uploaded', 'published')`,
  );
  const dropMessages = connection.prepare<[string]>(
    `UPDATE message SET state = 'given-up', reason = 'Its gallery was revoked.'
       WHERE session IN (SELECT id FROM session WHERE shared_slug = ?) AND state = 'waiting' AND event <> 'trouble'`,
  );
  const part = connection.prepare<[string]>(
    `UPDATE session SET shared_slug = NULL WHERE id IN ${UNFINISHED}`,
  );
  const ofPart = connection.prepare<[string, string, string, string], { id: number; is_published: number }>(
    `SELECT id, is_published FROM session
       WHERE gallery = ? AND station = ? AND shared_slug = ? AND store = ? ORDER BY id`,
  );
  const isGap = connection
    .prepare<[string, string]>(
      "SELECT 1 FROM session WHERE gallery = ? AND station = ? AND is_rebuilt = 1 AND is_published = 0 LIMIT 1",
    )
    .pluck();

  function leave(id: SessionId, slug: string): boolean {
    putRevoked.run(slug, store, id);
    forgetObjects.run({ slug });
    dropMessages.run(slug);
    putUnfinishedAgain.run(slug);
    return part.run(slug).changes > 0;
  }

  return {
    /**
     * Another station has revoked the gallery of a session: nothing of it is put into this store any more, and what is there is to
     * be taken down. Sessions that were complete in it are revoked with it; any other goes to the next gallery of that name, whole.
     * Returns whether there were others.
     */
    leaveGallery: (id: SessionId, slug: string): boolean =>
      connection.transaction(() => leave(id, slug)).immediate(),

    /**
     * Writes down which gallery the stations have agreed on. When that is another one than before, that one was revoked: it is left,
     * everything is put into the new one again, and its slug is returned.
     */
    joinGallery: (id: SessionId, slug: string): string | null =>
      connection
        .transaction(() => {
          const before = slugOf.get(id) ?? null;
          if (before === slug) return null;
          if (before !== null) {
            leave(id, before);
            putAgain.run(id);
            reopen.run(id);
          }
          join.run(slug, id);
          return before;
        })
        .immediate(),

    /** The sessions that are this station's part of a session's gallery, that one included. */
    partOf({ sharing, slug }: Session): readonly { readonly id: SessionId; readonly isPublished: boolean }[] {
      if (sharing === null) return [];
      return ofPart
        .all(sharing.gallery, sharing.station, slug, store)
        .map(({ id, is_published }) => ({ id: id as SessionId, isPublished: is_published === 1 }));
    },

    /** Whether the store knows more of this station's part than these rows do, since they are being rebuilt from the library. */
    isPartRebuilt: ({ sharing }: Session): boolean =>
      sharing !== null && isGap.get(sharing.gallery, sharing.station) === 1,
  };
}
