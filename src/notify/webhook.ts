import { createHmac } from "node:crypto";
import { call } from "./call.ts";
import type { Channel } from "./outcome.ts";

export interface WebhookOptions {
  /** Signs what is sent, so that the receiver knows who it comes from. */
  readonly secret: string | null;
}

/**
 * Posts each message as JSON to an address of the user. With a secret, `X-GhostRoll-Signature` holds `sha256=` and the hex HMAC
 * of the body. Sent again, a message has the same `id`, also in `Idempotency-Key`: who keeps it hears each message once.
 */
export function webhookChannel(url: string, { secret }: WebhookOptions): Channel {
  const provider = {
    name: `The webhook at ${new URL(url).host}`,
    secrets: [],
    receipt: () => null,
    // A server nobody knows may write anything into its error page, our own request included.
    complaint: () => null,
    fix: (status: number) =>
      status >= 300 && status < 400
        ? "Put the address it redirects to into GHOSTROLL_TEXT_TO."
        : "Check its address in GHOSTROLL_TEXT_TO, and that it takes JSON by POST.",
  };
  return async ({ key, event, card, title, message, link }, signal) => {
    const body = JSON.stringify({ id: key, event, card, title, link, message });
    const signature = secret === null ? null : createHmac("sha256", secret).update(body).digest("hex");
    return call(
      provider,
      {
        url,
        headers: {
          "content-type": "application/json",
          "idempotency-key": key,
          ...(signature !== null && { "x-ghostroll-signature": `sha256=${signature}` }),
        },
        body,
      },
      signal,
    );
  };
}
