import type { Catalog } from "../../src/catalog/catalog.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import type { Outbox } from "../../src/notify/sender.ts";

/** A catalog of one session. */
export function catalogWithSession(db: string) {
  const catalog = openCatalog(db, "store");
  const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
  const session = catalog.openSession(volume, "2026-06-15", []);
  return { catalog, session };
}

/** The catalog as a sender needs it, every message with the same link. */
export function outboxOf(catalog: Catalog): Outbox {
  return {
    ...catalog,
    nextMessage(recipient) {
      const message = catalog.nextMessage(recipient);
      if (message === null) return null;
      const { session, ...rest } = message;
      return {
        ...rest,
        card: session.label,
        title: session.label,
        link: async () => "https://photos.example/g/x",
      };
    },
  };
}
