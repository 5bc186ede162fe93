import { readSessions } from "../catalog/catalog.ts";
import type { UnsentMessage } from "../catalog/outbox.ts";
import type { Settings } from "../config/slices.ts";
import { count } from "../domain/amounts.ts";
import { recipientName } from "../domain/recipient.ts";
import { recipientId } from "./recipient-id.ts";

/** What was given up longer ago concerns nobody who looks at the state of things. */
const RECENT_SESSIONS = 10;

interface Unsent extends Omit<UnsentMessage, "recipient"> {
  /** Masked. */
  readonly to: string;
}

/** Messages that those in the settings have not got: what waits, and what was given up lately. */
export function unsentOf({ library, notify }: Settings): readonly Unsent[] {
  const names = new Map(notify.texts.recipients.map((one) => [recipientId(one), recipientName(one)]));
  const catalog = names.size === 0 ? null : readSessions(library.dbPath);
  if (catalog === null) return [];
  try {
    return catalog.unsentMessages(RECENT_SESSIONS).flatMap(({ recipient, ...message }) => {
      const to = names.get(recipient);
      return to === undefined ? [] : { ...message, to };
    });
  } finally {
    catalog.close();
  }
}

/** `0007-k3qd (EOS): the message gallery-open to twilio …5678 waits to be sent.` */
export function unsentInWords({ session, label, event, to, unanswered, reason }: Unsent): string {
  const message = `${session} (${label}): the message ${event} to ${to}`;
  if (reason !== null) return `${message} was given up. ${reason}`;
  return unanswered === 0
    ? `${message} waits to be sent.`
    : `${message} went out ${count(unanswered, "time")} without an answer that says whether it was taken, and waits to be sent again.`;
}
