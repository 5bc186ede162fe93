import { Failure } from "../domain/failure.ts";
import { nearest } from "../domain/nearest.ts";
import type { PastSession } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";

/** Sessions named before the rest is only counted. */
const NAMED_AT_MOST = 4;

/**
 * The session that somebody means: by its name or the beginning of it, its number, the beginning of its card or title, or `last`
 * for the newest. Throws `usage` with a sentence that says what to type instead.
 */
export function sessionCalled(word: string, all: readonly PastSession[]): PastSession {
  const newest = all.at(-1);
  if (newest === undefined)
    throw new Failure("usage", "No card was taken in yet, so there is no session to name.");
  if (word === "last") return newest;
  const exact = all.find(({ name }) => name === word);
  if (exact !== undefined) return exact;
  const beginning = word.toLowerCase();
  const meant = all.filter((session) => {
    const names = [session.name, String(session.id), session.label, defaultTitle(session)];
    // A number is that of one session, not the beginning of others.
    if (/^\d+$/.test(word)) return session.id === Number(word);
    return names.some((name) => name.toLowerCase().startsWith(beginning));
  });
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  if (only === undefined) {
    const guess = nearest(
      word,
      all.map(({ name }) => name),
    );
    throw new Failure(
      "usage",
      `There is no session "${word}"${guess === null ? "; `ghostroll sessions` lists them." : `; did you mean ${guess}?`}`,
    );
  }
  const named = meant.slice(-NAMED_AT_MOST).map((session) => `${session.name} (${defaultTitle(session)})`);
  const rest = meant.length - named.length;
  throw new Failure(
    "usage",
    `"${word}" could be ${named.join(", ")}${rest > 0 ? ` or ${rest} more` : ""}: name one of them, or \`last\`.`,
  );
}
