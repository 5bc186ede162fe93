import type { Recipient } from "../domain/recipient.ts";
import { ntfyChannel } from "./ntfy.ts";
import type { Channel } from "./outcome.ts";
import type { ProgramOptions } from "./program.ts";
import { programChannel } from "./program.ts";
import type { SnsOptions } from "./sns.ts";
import { snsChannel } from "./sns.ts";
import { telegramChannel } from "./telegram.ts";
import type { TwilioOptions } from "./twilio.ts";
import { twilioChannel } from "./twilio.ts";
import { webhookChannel } from "./webhook.ts";

/** What the providers want to know of who sends. */
export interface Accounts {
  readonly twilio: TwilioOptions | null;
  readonly telegramToken: string | null;
  readonly ntfyToken: string | null;
  readonly webhookSecret: string | null;
  readonly sns: SnsOptions;
  readonly program: ProgramOptions;
}

/** The way to a recipient. The settings have seen to it that its account is there. */
export function channelTo({ channel, address }: Recipient, accounts: Accounts): Channel {
  switch (channel) {
    case "twilio":
      return twilioChannel(address, given(accounts.twilio));
    case "sns":
      return snsChannel(address, accounts.sns);
    case "ntfy":
      return ntfyChannel(address, { token: accounts.ntfyToken });
    case "telegram":
      return telegramChannel(address, { token: given(accounts.telegramToken) });
    case "webhook":
      return webhookChannel(address, { secret: accounts.webhookSecret });
    case "command":
      return programChannel(address, accounts.program);
  }
}

function given<Account>(account: Account | null): Account {
  if (account === null) throw new Error("a recipient without an account passed the settings");
  return account;
}
