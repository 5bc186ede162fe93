import type { Recipient } from "../domain/recipient.ts";
import { parseRecipient } from "../domain/recipient.ts";
import type { Values } from "./settings.ts";

/** Who is told of galleries, and the accounts that it takes. */
export function textAccounts(values: Values) {
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_FROM: from } = values;
  return {
    recipients: recipientsOf(values),
    twilio:
      accountSid === null || authToken === null || from === null ? null : { accountSid, authToken, from },
    telegramToken: values.TELEGRAM_TOKEN,
    ntfyToken: values.NTFY_TOKEN,
    webhookSecret: values.WEBHOOK_SECRET,
  };
}

function recipientsOf(values: Values): readonly Recipient[] {
  return values.TEXT_TO.flatMap((text) => parseRecipient(text) ?? []);
}

/** Texts that must not appear in the log: secrets, and whatever lets one write to somebody. */
export function textSecrets(texts: ReturnType<typeof textAccounts>): readonly (string | null)[] {
  const { recipients, twilio, telegramToken, ntfyToken, webhookSecret } = texts;
  const secrets = [twilio?.authToken ?? null, telegramToken, ntfyToken, webhookSecret];
  // The number of a chat may be so short that it stands in other words, and opens nothing; nor does a path.
  const open = new Set<Recipient["channel"]>(["telegram", "command"]);
  const addresses = recipients.filter(({ channel }) => !open.has(channel)).map(({ address }) => address);
  return [...secrets, ...addresses];
}

/** Channels that somebody is to be told through, and cannot be: a sentence each, with the fix. */
export function missingAccounts(values: Values): string[] {
  const channels = new Set(recipientsOf(values).map(({ channel }) => channel));
  const accounts = textAccounts(values);
  return [...channels].flatMap(
    (channel) => whyNotThrough(channel, "GHOSTROLL_TEXT_TO", accounts, values.S3_ENDPOINT) ?? [],
  );
}

/** Why nothing can be sent through a channel that `who` names, in a sentence with the fix; `null` when something can. */
export function whyNotThrough(
  channel: Recipient["channel"],
  who: string,
  { twilio, telegramToken }: Pick<ReturnType<typeof textAccounts>, "twilio" | "telegramToken">,
  endpoint: string | null,
): string | null {
  if (channel === "twilio" && twilio === null)
    return `${who} sends through twilio:, which needs all of GHOSTROLL_TWILIO_ACCOUNT_SID, GHOSTROLL_TWILIO_AUTH_TOKEN and GHOSTROLL_TWILIO_FROM.`;
  if (channel === "telegram" && telegramToken === null)
    return `${who} sends through telegram:, which needs GHOSTROLL_TELEGRAM_TOKEN.`;
  if (channel === "sns" && endpoint !== null)
    return `${who} sends through sns:, which takes keys of Amazon's, but GHOSTROLL_S3_ENDPOINT is another store's; use twilio, ntfy, telegram or a webhook.`;
  return null;
}

/** A link to this machine's own address opens on no phone. */
export function unreachableLinks(values: Values): string[] {
  if (values.TEXT_TO.length === 0 || values.SHARE !== "lan" || values.WEB_URL !== null) return [];
  if (!/^(127\.|localhost$|::1$|0\.0\.0\.0$)/.test(values.WEB_HOST)) return [];
  return [
    `Messages would bring a link to ${values.WEB_HOST}, which opens on no phone: set GHOSTROLL_WEB_URL, or a bucket.`,
  ];
}
