import type { Tally, Trouble } from "../domain/session.ts";

/** What one SMS holds in the alphabet of phones (GSM 03.38). */
const ONE_TEXT = 160;
/** Joined, each loses seven characters. Trouble may take two: a fix that is cut off helps nobody. */
const TWO_TEXTS = 306;
/** A signed link alone is three texts: the words before it still stay short enough to be read at a glance. */
const MOST_WORDS = 140;
/** A link this short leaves room for words in one text. */
const SHORT_LINK = 100;

/** A message with its link last and alone, as phones need it to show a preview; one text long where the link allows. */
export function withLink(words: string, link: string | null): string {
  if (link === null) return cut(words, TWO_TEXTS);
  const room = link.length <= SHORT_LINK ? ONE_TEXT - link.length - 1 : MOST_WORDS;
  return `${cut(words, room)} ${link}`;
}

/** Somebody is sent the link of a gallery. */
export function linkInWords(title: string): string {
  return `${title}: here are the photos.`;
}

/** The first pictures can be seen; `shown` says how many there are of what. */
export function openInWords(title: string, shown: string): string {
  return `${title}: the first ${shown} are there, more follow.`;
}

/** Everything that can be seen is there; what is not all right is named. */
export function completeInWords(
  title: string,
  shown: string,
  { failed, damaged }: Pick<Tally, "failed" | "damaged">,
  troubles: readonly Trouble[],
): string {
  const words = `${title}: ${shown}`;
  if (troubles.length === 0) return `${words}, every file of the card is kept.`;
  const faults = [
    ...(failed > 0 ? [`${failed} not kept`] : []),
    ...(damaged > 0 ? [`${damaged} kept but not shown`] : []),
  ];
  return `${words}, ${faults.length > 0 ? faults.join(", ") : "with problems"}: ${namesOf(troubles)}.`;
}

/** Names said before the rest is only counted; the text has to stay one text. */
const NAMED_AT_MOST = 2;

function namesOf(troubles: readonly Trouble[]): string {
  const named = troubles.slice(0, NAMED_AT_MOST).map(({ name }) => name.split("/").at(-1));
  const rest = troubles.length - named.length;
  return rest > 0 ? `${named.join(", ")} and ${rest} more` : named.join(", ");
}

/** Between words where that loses little. No ellipsis: it is not in the alphabet, and would halve what a text holds. */
function cut(words: string, room: number): string {
  if (words.length <= room) return words;
  const short = words.slice(0, room);
  const space = short.lastIndexOf(" ");
  return (space > room / 2 ? short.slice(0, space) : short).replace(/[\s,;:]+$/, "");
}
