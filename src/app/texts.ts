import type { Catalog } from "../catalog/catalog.ts";
import type { MessageEvent } from "../catalog/outbox.ts";
import type { Settings } from "../config/slices.ts";
import type { FailureCode } from "../domain/failure.ts";
import { SCREEN_TILES } from "../domain/gallery.ts";
import { linkEndInWords } from "../domain/link-end.ts";
import { hearsOf, recipientName } from "../domain/recipient.ts";
import type { Session, SessionId } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { endInWords } from "../domain/session-end.ts";
import type { Ports } from "../ingest/ports.ts";
import { linkOf } from "../ingest/publish.ts";
import { channelTo } from "../notify/channels.ts";
import type { Sender, SenderOptions } from "../notify/sender.ts";
import { openSender } from "../notify/sender.ts";
import { completeInWords, openInWords } from "../notify/words.ts";
import { accountsOf } from "./accounts.ts";
import { recipientId } from "./recipient-id.ts";
import { shownInWords } from "./shown.ts";

/** What stops a session without anybody's help being needed: it goes on by itself, and its own end is told. */
const PASSES: ReadonlySet<FailureCode> = new Set([
  "interrupted",
  "remote-unreachable",
  "remote-corrupt",
  "second-missing",
  "second-full",
  "second-unwritable",
]);

/** Messages without a link: they are for whoever looks after the box. */
const TELLS_NO_LINK: ReadonlySet<MessageEvent> = new Set(["link-ends", "trouble"]);

/**
 * The catalog for the story, which besides writes down what people are to be told of a fact together with the fact: no kill
 * and no power cut can come between. `ring` is called when there is a new message.
 */
export function tellingCatalog(settings: Settings, catalog: Catalog, ring: () => void): Catalog {
  const { recipients } = settings.notify.texts;
  if (recipients.length === 0) return catalog;

  const write = (session: Session, event: MessageEvent, words: (title: string) => string) => {
    const hear = recipients.filter((recipient) => hearsOf(recipient, session.label)).map(recipientId);
    if (hear.length === 0 || catalog.hasMessage(session.id, event)) return;
    catalog.putMessages(session.id, event, words(titleOf(session, settings)), hear);
  };
  const writeWith = (id: SessionId, fact: () => void, tell: (session: Session) => void) => {
    catalog.together(() => {
      // People heard of a gallery that was rebuilt from the library when it was new.
      const session = catalog.isRebuilt(id) ? null : catalog.sessionNamed(id);
      fact();
      if (session !== null) tell(session);
    });
    ring();
  };

  return {
    ...catalog,

    markPublished: (id, isComplete) =>
      writeWith(
        id,
        () => catalog.markPublished(id, isComplete),
        (session) => {
          const tally = catalog.tally(id);
          if (isComplete && tally.kept > 0)
            write(session, "gallery-complete", (title) =>
              completeInWords(title, shownInWords(catalog, id), tally, catalog.troubles(id)),
            );
          // One that is complete before a screen is full is told of once.
          if (!isComplete && tally.published >= SCREEN_TILES)
            write(session, "gallery-open", (title) => openInWords(title, shownInWords(catalog, id)));
        },
      ),

    warned(id, endsMs) {
      let isNew = false;
      catalog.together(() => {
        isNew = catalog.warned(id, endsMs);
        const session = catalog.sessionNamed(id);
        if (!isNew || session === null) return;
        const hear = recipients.filter((recipient) => hearsOf(recipient, session.label)).map(recipientId);
        const words = `${titleOf(session, settings)}: ${linkEndInWords(session.name, endsMs, Date.now())}`;
        catalog.putMessages(id, "link-ends", words, hear, String(endsMs));
      });
      ring();
      return isNew;
    },

    stopped: (id, code) =>
      writeWith(
        id,
        () => catalog.stopped(id, code),
        (session) => {
          if (code === null || PASSES.has(code)) return;
          write(session, "trouble", () => `${session.label}: ${endOf(catalog, id)}`);
        },
      ),
  };
}

/** Starts sending what waits, also from earlier runs. Where links lead nowhere, it goes on waiting. */
export function openTexts(
  settings: Settings,
  catalog: Catalog,
  store: Ports["store"],
  hear: SenderOptions["hear"],
  hasAddress: boolean,
): Sender {
  const recipients = hasAddress ? settings.notify.texts.recipients : [];
  const accounts = accountsOf(settings);
  // Named for two cards, somebody is one recipient all the same.
  const byId = new Map(recipients.map((recipient) => [recipientId(recipient), recipient]));
  return openSender({
    recipients: [...byId].map(([id, recipient]) => ({
      id,
      name: recipientName(recipient),
      channel: channelTo(recipient, accounts),
    })),
    outbox: {
      ...catalog,
      nextMessage(recipient) {
        const message = catalog.nextMessage(recipient);
        if (message === null) return null;
        const { session, ...rest } = message;
        return {
          ...rest,
          card: session.label,
          title: titleOf(session, settings),
          link: async () => (TELLS_NO_LINK.has(message.event) ? null : linkOf(session, store)),
        };
      },
    },
    hear,
  });
}

function titleOf(session: Session, { gallery }: Settings): string {
  return gallery.title || defaultTitle(session);
}

function endOf(catalog: Catalog, id: SessionId): string {
  const session = catalog.allSessions().find((past) => past.id === id);
  if (session === undefined) throw new Error("a session that was just written to is not there");
  return endInWords({ session, tally: catalog.tally(id), troubles: catalog.troubles(id), uncopied: 0 });
}
