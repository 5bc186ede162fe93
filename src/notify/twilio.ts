import { call, field } from "./call.ts";
import type { Channel } from "./outcome.ts";

export interface TwilioOptions {
  readonly accountSid: string;
  readonly authToken: string;
  /** A number, a name, or the id of a messaging service (`MG…`). */
  readonly from: string;
  readonly baseUrl?: string;
}

/**
 * Text messages through Twilio (twilio.com/docs/messaging/api/message-resource). It has no key against doubles: a message
 * whose answer was lost is sent again.
 */
export function twilioChannel(to: string, options: TwilioOptions): Channel {
  const { accountSid, authToken, from, baseUrl = "https://api.twilio.com" } = options;
  const sender = from.startsWith("MG") ? { MessagingServiceSid: from } : { From: from };
  const basic = Buffer.from(`${accountSid}:${authToken}`).toString("base64");
  const provider = {
    name: "Twilio",
    secrets: [to, authToken, accountSid, basic],
    receipt: (body: string) => field(body, "sid"),
    complaint(body: string) {
      const code = field(body, "code");
      const message = field(body, "message");
      return code === null ? message : `${message ?? "refused"} (twilio.com/docs/errors/${code})`;
    },
    fix: (status: number) =>
      status === 401 || status === 403
        ? "Check GHOSTROLL_TWILIO_ACCOUNT_SID and GHOSTROLL_TWILIO_AUTH_TOKEN: Twilio's console shows both."
        : status === 404
          ? "Check GHOSTROLL_TWILIO_ACCOUNT_SID: there is no such account."
          : "Check the number in GHOSTROLL_TEXT_TO, and that GHOSTROLL_TWILIO_FROM may send there.",
  };
  return async ({ message }, signal) =>
    call(
      provider,
      {
        url: `${baseUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`,
        headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ To: to, ...sender, Body: message }).toString(),
      },
      signal,
    );
}
