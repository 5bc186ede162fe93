import { readSessions } from "../catalog/catalog.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import type { PastSession } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { assertLibrary } from "./library-there.ts";
import { sessionCalled } from "./session-called.ts";

/**
 * The session a person means, whose gallery guests can open now (`open`), could open before it was revoked (`seen`), or whatever
 * became of it. Throws a sentence when there is none.
 */
export function findSession(settings: Settings, word: string, gallery: "open" | "seen" | "any"): PastSession {
  assertLibrary(settings);
  const catalog = readSessions(settings.library.dbPath);
  try {
    const session = sessionCalled(word, catalog?.allSessions() ?? []);
    if (gallery === "open") refuseRevoked(session, settings);
    if (gallery !== "any" && !session.isRevoked && catalog?.tally(session.id).published === 0)
      throw new Failure("gallery-unseen", `Nothing of ${nameOf(session, settings)} can be seen yet.`);
    return session;
  } finally {
    catalog?.close();
  }
}

/** Throws `gallery-revoked` when nobody may see its gallery. */
export function refuseRevoked(session: PastSession, settings: Settings): void {
  if (session.isRevoked)
    throw new Failure("gallery-revoked", `The gallery of ${nameOf(session, settings)} was revoked.`);
}

/** What a session is called in sentences: its name and title. */
export function nameOf(session: PastSession, { gallery }: Settings): string {
  return `${session.name} (${gallery.title || defaultTitle(session)})`;
}
