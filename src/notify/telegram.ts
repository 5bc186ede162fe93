import { call, field } from "./call.ts";
import type { Channel } from "./outcome.ts";

export interface TelegramOptions {
  readonly token: string;
  readonly baseUrl?: string;
}

/**
 * Messages of a Telegram bot (core.telegram.org/bots/api#sendmessage). It has no key against doubles: a message whose answer
 * was lost is sent again.
 */
export function telegramChannel(chatId: string, options: TelegramOptions): Channel {
  const { token, baseUrl = "https://api.telegram.org" } = options;
  const provider = {
    name: "Telegram",
    secrets: [token, chatId],
    receipt: (body: string) => field(body, "result", "message_id"),
    complaint: (body: string) => field(body, "description"),
    // A token that is no token at all is answered with 404: it is part of the path.
    fix: (status: number) =>
      status === 401 || status === 404
        ? "Check GHOSTROLL_TELEGRAM_TOKEN: @BotFather shows it."
        : "Check the chat in GHOSTROLL_TEXT_TO, and write to the bot first: it may not begin a chat.",
    waitMs(body: string) {
      const seconds = field(body, "parameters", "retry_after");
      return seconds === null ? null : Number(seconds) * 1000;
    },
  };
  return async ({ message }, signal) =>
    call(
      provider,
      {
        url: `${baseUrl}/bot${token}/sendMessage`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ chat_id: chatId, text: message }),
      },
      signal,
    );
}
