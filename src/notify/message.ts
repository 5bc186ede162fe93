import { count } from "../domain/amounts.ts";
import type { Tally } from "../domain/session.ts";

/** Something people want to be told, in the order it happens to a card. */
export type Event =
  | { readonly name: "card-inserted"; readonly card: string }
  | {
      readonly name: "card-kept";
      readonly card: string;
      /** What became of the new files; `null` when none was new. */
      readonly tally: Tally | null;
      /** Files on the card, new or not. */
      readonly foundFiles: number;
      /** What stands against taking the card out, as a sentence; `null` when nothing does. */
      readonly doubt: string | null;
    }
  | { readonly name: "safe-to-format"; readonly card: string; readonly sentence: string }
  | { readonly name: "gallery-open"; readonly card: string; readonly title: string; readonly link: string }
  | {
      readonly name: "gallery-complete";
      readonly card: string;
      readonly title: string;
      readonly link: string;
      /** How many there are of what: `52 photos, 1 video`. */
      readonly shown: string;
    }
  | { readonly name: "link-ends"; readonly card: string; readonly title: string; readonly sentence: string }
  | { readonly name: "card-removed"; readonly card: string }
  | { readonly name: "trouble"; readonly card: string; readonly sentence: string };

/**
 * What to tell people, in one text message. A link stands last and alone, since phones show a preview only then and some
 * take a full stop for a part of it.
 */
export function messageOf(event: Event): string {
  switch (event.name) {
    case "card-inserted":
      return `${event.card}: reading the card.`;
    case "card-kept":
      return `${event.card}: ${keptInWords(event)}`;
    case "safe-to-format":
      return `${event.card}: ${event.sentence}`;
    case "gallery-open":
      return `${event.title}: the first photos are there. ${event.link}`;
    case "gallery-complete":
      return `${event.title}: ${event.shown}. ${event.link}`;
    case "link-ends":
      return `${event.title}: ${event.sentence}`;
    case "card-removed":
      return `${event.card}: taken out.`;
    case "trouble":
      return `${event.card}: ${event.sentence}`;
  }
}

function keptInWords({ tally, foundFiles, doubt }: Extract<Event, { name: "card-kept" }>): string {
  if (tally === null) return `nothing new. ${doubt ?? `All is kept already: ${count(foundFiles, "file")}.`}`;
  const { kept, duplicates } = tally;
  const known = duplicates > 0 ? `, ${count(duplicates, "duplicate")} known` : "";
  if (doubt !== null) return `${count(kept, "file")} kept${known}. ${doubt}`;
  return `all is kept: ${count(kept, "file")}${known}.`;
}
