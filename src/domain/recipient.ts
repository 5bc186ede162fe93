/** Ways a message can take to people. */
type ChannelName = keyof typeof ADDRESSES;

/** Somebody, or something, that is told of galleries. */
export interface Recipient {
  readonly channel: ChannelName;
  readonly address: string;
  /** Hears only of cards with this label; `null` hears of every card. */
  readonly label: string | null;
}

/** A phone number as every provider takes it: + and at most 15 digits, no zero in front (ITU-T E.164). */
const PHONE_NUMBER = /^\+[1-9]\d{6,14}$/;
/** An address on the web. Who has it can often write there, so it counts as a secret. */
const WEB_ADDRESS = /^https?:\/\/[^\s/?#@>]+(\/[^\s>]*)?$/;

/** What an address looks like, by channel. */
const ADDRESSES = {
  twilio: PHONE_NUMBER,
  sns: PHONE_NUMBER,
  ntfy: /^https?:\/\/[^\s/?#@>]+\/[A-Za-z0-9_-]{1,64}$/,
  /** The number of a chat, negative for groups, or the public name of a channel. */
  telegram: /^(-?\d{1,20}|@[A-Za-z]\w{3,31})$/,
  webhook: WEB_ADDRESS,
  /** The path of a program. */
  command: /^\/[^,\p{Cc}]+$/u,
} as const satisfies Record<string, RegExp>;

const WRITTEN = /^(?:([^=:]+)=\s*)?([a-z]+):(.+)$/;

/** Reads `twilio:+4917012345678` or `LABEL=twilio:+4917012345678`; `null` when it is neither. */
export function parseRecipient(text: string): Recipient | null {
  const [, label, channel = "", address = ""] = WRITTEN.exec(text.trim()) ?? [];
  if (!isChannel(channel) || !ADDRESSES[channel].test(address)) return null;
  return { channel, address, label: label?.trim() ?? null };
}

function isChannel(text: string): text is ChannelName {
  return Object.hasOwn(ADDRESSES, text);
}

/** Whether a recipient hears of a card. Labels of cards come in upper case whatever somebody typed. */
export function hearsOf({ label }: Recipient, card: string): boolean {
  return label === null || label.toLowerCase() === card.toLowerCase();
}

/** Enough to tell one's recipients apart, too little to write to them: `twilio …4567`, `ntfy at ntfy.sh`, `command send-sms`. */
export function recipientName({ channel, address }: Recipient): string {
  if (channel === "command") return `${channel} ${address.slice(address.lastIndexOf("/") + 1)}`;
  const host = /^https?:\/\/([^/?#]+)/.exec(address)?.[1];
  return host === undefined ? `${channel} …${address.slice(-4)}` : `${channel} at ${host}`;
}
