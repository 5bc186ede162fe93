import type { Capture } from "../domain/capture.ts";
import type { ContentHash } from "../domain/hash.ts";
import type { Derived } from "../domain/rendition.ts";
import type { Session } from "../domain/session.ts";
import type { RecordedFile, UnwrittenRecord } from "../domain/session-record.ts";
import { backUp } from "./backup.ts";
import { bucketOriginals } from "./bucket-originals.ts";
import { deliveries } from "./deliveries.ts";
import { files } from "./files.ts";
import { listings } from "./listings.ts";
import type { Connection } from "./open.ts";
import { openConnection, openForReading, translated, translatedAsync } from "./open.ts";
import { outbox } from "./outbox.ts";
import { publications } from "./publications.ts";
import { records } from "./records.ts";
import { secondCopies } from "./second-copies.ts";
import { sessions } from "./sessions.ts";
import { sharedGalleries } from "./shared-galleries.ts";
import { suspects } from "./suspects.ts";
import { upkeep } from "./upkeep.ts";
import { uploads } from "./uploads.ts";
import { zips } from "./zips.ts";

/** Rows taken at once: no cursor stays open while they are written to a file. */
const PAGE = 256;

/** What is durably true, open to read and write. */
export type Catalog = ReturnType<typeof openCatalog>;

/**
 * The catalog of a library, for the one process that writes to it. `store` names where objects go: what is recorded of
 * objects holds for that store only.
 */
export function openCatalog(path: string, store: string) {
  const connection = openConnection(path);
  const { advance, ...fileTable } = files(connection);
  const { putPicture, ...deliveryTable } = deliveries(connection, store);
  const { beginDelivery, ...sessionTable } = sessions(connection);
  const { absentOriginals, countOriginals } = bucketOriginals(connection);

  const rooms = {
    ...sessionTable,
    ...fileTable,
    ...deliveryTable,
    ...publications(connection, store),
    ...records(connection, store),
    ...sharedGalleries(connection, store),
    ...upkeep(connection),
    ...secondCopies(connection),
    ...suspects(connection),
    ...listings(connection),
    ...outbox(connection),
    ...uploads(connection, store),
    ...zips(connection, store),
    absentOriginals: (which: "raw" | "all", limit: number) => absentOriginals(store, which, limit),
    countOriginals: (which: "raw" | "all") => countOriginals(store, which),
    beginDelivery: (session: Parameters<typeof beginDelivery>[0]) => beginDelivery(session, store),

    markRendered: (
      batch: readonly { file: { id: number; hash: ContentHash }; derived: Derived; capture: Capture }[],
    ): void =>
      connection
        .transaction(() => {
          for (const { file, derived, capture } of batch) putPicture(file.hash, derived, capture);
          advance(
            batch.map(({ file }) => file.id),
            "stored",
            "rendered",
          );
        })
        .immediate(),

    /** Renditions that were made once more: another version of the encoder may have made other bytes. */
    renderedAgain: ({
      file,
      derived,
      capture,
    }: {
      file: { hash: ContentHash };
      derived: Derived;
      capture: Capture;
    }) => connection.transaction(() => putPicture(file.hash, derived, capture)).immediate(),

    markUploaded: (ids: readonly number[]): void => advance(ids, "rendered", "uploaded"),
  };
  const { recordedAfter, galleryNames, ...translatedRooms } = translateAll(rooms, path);
  return {
    ...translatedRooms,
    /** Everything of a session that could not be found out again without the catalog; read page by page as it is gone through. */
    record(session: Session): UnwrittenRecord {
      // Its gallery may have got another name since the caller asked.
      const { slug, revoked } = galleryNames(session);
      return { session: { ...session, slug }, revoked, files: recorded(session) };
    },
    /** Writes a numbered copy into the folder, checked and durable; keeps the newest seven. Returns its path. */
    backUp: async (folder: string): Promise<string> =>
      translatedAsync(path, async () => backUp(connection, folder)),
    close: () => void connection.close(),
  };

  function* recorded(session: Session): Generator<RecordedFile> {
    for (let last = 0; ; ) {
      const page = recordedAfter(session, last, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)?.id ?? last;
    }
  }
}

/** Sessions of a catalog that another process may be writing to; `null` when there is none yet. */
export function readSessions(path: string) {
  const connection = openForReading(path);
  if (connection === null) return null;
  return { ...translateAll(readable(connection), path), close: () => void connection.close() };
}

function readable(connection: Connection) {
  const { allSessions, tally, troubles } = sessions(connection);
  const { countUncopied } = secondCopies(connection);
  const { countOriginals } = bucketOriginals(connection);
  const { unsentMessages } = outbox(connection);
  return { allSessions, tally, troubles, countUncopied, countOriginals, unsentMessages };
}

/** Every error of SQLite leaves this room as one of ours. */
function translateAll<Methods extends Readonly<Record<string, (...args: never[]) => unknown>>>(
  methods: Methods,
  path: string,
): Methods {
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      (...args: never[]) => translated(path, () => method(...args)),
    ]),
  ) as Methods;
}
