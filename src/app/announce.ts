import { passedOn } from "../config/environment.ts";
import type { Settings } from "../config/slices.ts";
import type { Failure } from "../domain/failure.ts";
import { doubtsOfRemoval, formatInWords, removalInWords } from "../domain/safety.ts";
import type { Session } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import type { Ports } from "../ingest/ports.ts";
import type { Report, Told } from "../ingest/report.ts";
import { openCommandChannel } from "../notify/command-channel.ts";
import type { Event } from "../notify/message.ts";
import { shownInWords } from "./shown.ts";

export interface Announcer {
  /** What is told while no card is read. */
  readonly hear: Report;
  /** What is told of one card; of a folder that is no card, `null`, only what was new in it. */
  hearCard(card: string | null): Report;
  /** Says that a card could not be finished, with the fix. */
  trouble(card: string, failure: Failure): void;
  inserted(card: string): void;
  removed(card: string): void;
  /** Says that the link of a gallery ends soon, with what to do. */
  linkEnds(session: Session, sentence: string): void;
  /** Resolves when everything said so far has been passed on. */
  settled(): Promise<void>;
}

/** Turns what the story tells into events for people; each event once while the process runs. `onDeaf` hears of a channel that failed. */
export function openAnnouncer(
  settings: Settings,
  catalog: Ports["catalog"],
  onDeaf: (error: Error) => void,
): Announcer {
  const { onEvent } = settings.notify;
  const channel = onEvent === null ? null : openCommandChannel(onEvent, passedOn());
  const opened = new Set<number>();
  let passing: Promise<unknown> = Promise.resolve();
  const tell = (event: Event) => {
    if (channel !== null) passing = Promise.all([passing, channel.tell(event).catch(onDeaf)]);
  };
  const hearCard = (card: string | null): Report => {
    let current: Extract<Told, { kind: "session" }>["session"] | null = null;
    return (told) => {
      if (told.kind === "session") current = told.session;
      const label = current?.label ?? card;
      if (told.kind === "offloaded" && label !== null) {
        const doubt = doubtsOfRemoval(told.removal).length > 0 ? removalInWords(told.removal) : null;
        const tally = current === null ? null : catalog.tally(current.id);
        tell({ name: "card-kept", card: label, tally, foundFiles: told.removal.foundFiles, doubt });
      }
      if (told.kind === "certified" && told.format?.length === 0)
        tell({ name: "safe-to-format", card: told.card, sentence: formatInWords(told.format) });
      if (told.kind !== "published") return;
      const { session, link } = told;
      const title = settings.gallery.title || defaultTitle(session);
      if (!opened.has(session.id)) tell({ name: "gallery-open", card: session.label, title, link });
      opened.add(session.id);
      if (!told.isComplete) return;
      const shown = shownInWords(catalog, session.id);
      tell({ name: "gallery-complete", card: session.label, title, link, shown });
    };
  };
  return {
    hear: hearCard(null),
    hearCard,
    inserted: (card) => tell({ name: "card-inserted", card }),
    removed: (card) => tell({ name: "card-removed", card }),
    linkEnds(session, sentence) {
      const title = settings.gallery.title || defaultTitle(session);
      tell({ name: "link-ends", card: session.label, title, sentence });
    },
    trouble: (card, { message, policy }) =>
      tell({ name: "trouble", card, sentence: `${message} ${policy.hint}` }),
    settled: async () => void (await passing),
  };
}
