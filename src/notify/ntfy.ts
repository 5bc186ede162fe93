import { call, field } from "./call.ts";
import type { Channel } from "./outcome.ts";

/**
 * Push messages through ntfy (docs.ntfy.sh/publish, "Publish as JSON": headers could not hold every title). Sent again, a
 * message replaces itself where the server knows sequence ids (ntfy 2.16), and is shown twice where it does not.
 */
export function ntfyChannel(topicUrl: string, { token }: { readonly token: string | null }): Channel {
  const { origin, pathname } = new URL(topicUrl);
  const provider = {
    name: "ntfy",
    secrets: [topicUrl, pathname.slice(1), token ?? ""],
    receipt: (body: string) => field(body, "id"),
    complaint: (body: string) => field(body, "error"),
    fix: (status: number) =>
      status === 401 || status === 403
        ? "Check GHOSTROLL_NTFY_TOKEN, and that it may write to the topic in GHOSTROLL_TEXT_TO."
        : "Check the address in GHOSTROLL_TEXT_TO: it is that of the topic, as in ntfy:https://ntfy.sh/topic.",
  };
  return async ({ key, title, message, link }, signal) =>
    call(
      provider,
      {
        url: `${origin}/`,
        headers: {
          "content-type": "application/json",
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({
          topic: pathname.slice(1),
          sequence_id: key,
          title,
          message,
          ...(link !== null && { click: link }),
        }),
      },
      signal,
    );
}
