import { randomUUID } from "node:crypto";
import type { Settings } from "../config/slices.ts";
import { whyNotThrough } from "../config/texts.ts";
import { Failure } from "../domain/failure.ts";
import type { Recipient } from "../domain/recipient.ts";
import { parseRecipient, recipientName } from "../domain/recipient.ts";
import type { Session } from "../domain/session.ts";
import { channelTo } from "../notify/channels.ts";
import type { Outcome } from "../notify/outcome.ts";
import { linkInWords, withLink } from "../notify/words.ts";
import { accountsOf } from "./accounts.ts";

interface Sent {
  readonly kind: Outcome["kind"];
  readonly to: string;
  /** What came of it, for people. */
  readonly sentence: string;
}

/**
 * Sends the link of a gallery to somebody, once and at once: whoever asked for it is there to hear what came of it. Throws `usage`
 * for what is no address, and `settings-invalid` for one that needs an account that is not set.
 */
export async function textLink(
  to: string,
  session: Session,
  title: string,
  link: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<Sent> {
  const recipient = recipientOf(to, settings);
  const channel = channelTo(recipient, accountsOf(settings));
  const message = withLink(linkInWords(title), link);
  const text = { key: randomUUID(), event: "link", card: session.label, title, message, link };
  const outcome = await channel(text, signal);
  const name = recipientName(recipient);
  const sentence =
    outcome.kind === "sent"
      ? `Sent to ${name}.`
      : `Not sent to ${name}${outcome.kind === "unsure" ? " as far as is known" : ""}: ${outcome.reason}`;
  return { kind: outcome.kind, to: name, sentence };
}

function recipientOf(to: string, { notify, store }: Settings): Recipient {
  const { texts } = notify;
  // A bare number goes the way that there is an account for.
  const recipient = parseRecipient(
    to.startsWith("+") ? `${texts.twilio === null ? "sns" : "twilio"}:${to}` : to,
  );
  if (recipient === null)
    throw new Failure(
      "usage",
      "--text takes a number with + and the country, as in --text +4917012345678, or what GHOSTROLL_TEXT_TO takes, as in --text ntfy:https://ntfy.sh/topic.",
    );
  const problem = whyNotThrough(recipient.channel, "--text", texts, store.endpoint);
  if (problem !== null) throw new Failure("settings-invalid", problem);
  return recipient;
}
