import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";

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
  const ofPart = connection.prepare<[string, string, string, string], { id: number; is_published: number }>(
    `SELECT id, is_published FROM session
       WHERE gallery = ? AND station = ? AND shared_slug = ? AND store = ? ORDER BY id`,
  );
  const isGap = connection
    .prepare<[string, string]>(
      "SELECT 1 FROM session WHERE gallery = ? AND station = ? AND is_rebuilt = 1 AND is_published = 0 LIMIT 1",
    )
    .pluck();

  return {
    /** Writes down which gallery the stations have agreed on. When that is another one than before, everything is put there again. */
    joinGallery: (id: SessionId, slug: string): void =>
      connection
        .transaction(() => {
          const before = slugOf.get(id) ?? null;
          if (before === slug) return;
          if (before !== null) {
            putAgain.run(id);
            reopen.run(id);
          }
          join.run(slug, id);
        })
        .immediate(),

    /** The sessions that are this station's part of a session's gallery, that one included. */
    partOf({ sharing, slug }: Session): readonly { readonly id: SessionId; readonly isPublished: boolean }[] {
      if (sharing === null) return [];
      return ofPart
        .all(sharing.gallery, sharing.station, slug, store)
        .map(({ id, is_published }) => ({ id: id as SessionId, isPublished: is_published === 1 }));
    },

    /** Whether the store knows more of this station's part than these rows do, since they are being made anew from the library. */
    isPartRebuilt: ({ sharing }: Session): boolean =>
      sharing !== null && isGap.get(sharing.gallery, sharing.station) === 1,
  };
}
