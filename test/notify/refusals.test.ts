import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ntfyChannel } from "../../src/notify/ntfy.ts";
import type { Channel, Text } from "../../src/notify/outcome.ts";
import { snsChannel } from "../../src/notify/sns.ts";
import { telegramChannel } from "../../src/notify/telegram.ts";
import { twilioChannel } from "../../src/notify/twilio.ts";
import { webhookChannel } from "../../src/notify/webhook.ts";
import { openAwsSigner } from "../../src/remote/aws-signer.ts";
import type { Answer } from "../support/provider.ts";
import { provider } from "../support/provider.ts";

const NUMBER = "+4917012345678";
const SECRET = "hidden-from-everybody";
const text: Text = {
  key: "6f0c1d1e-0000-4000-8000-000000000001",
  event: "gallery-complete",
  card: "EOS",
  title: "Wedding",
  message: "Wedding: 12 photos. https://photos.example/g/x",
  link: "https://photos.example/g/x",
};
const never = new AbortController().signal;

interface Case {
  readonly open: (url: string) => Channel;
  /** Each answer as that provider words it, and what a person is told to do; `null` where it passes by itself. */
  readonly answers: Readonly<
    Record<"keys" | "address" | "busy" | "broken", readonly [Answer, RegExp | null]>
  >;
}

const json = (status: number, body: unknown, headers = {}): Answer => ({
  status,
  body: JSON.stringify(body),
  headers,
});
const twilioSays = (status: number, code: number, message: string, headers = {}) =>
  json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, headers);
const telegramSays = (status: number, description: string, parameters = {}) =>
  json(status, { ok: false, error_code: status, description, parameters });
const ntfySays = (status: number, code: number, error: string, headers = {}) =>
  json(status, { code, http: status, error, link: "https://ntfy.sh/docs/publish" }, headers);
const snsSays = (status: number, code: string, message: string): Answer => ({
  status,
  body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
});
const WAIT = { "retry-after": "3" };

// biome-ignore format: a table reads in columns
const CASES: Readonly<Record<string, Case>> = {
  twilio: {
    open: (baseUrl) => twilioChannel(NUMBER, { accountSid: `AC${"0a".repeat(16)}`, authToken: SECRET, from: "+15005550006", baseUrl }),
    answers: {
      keys: [twilioSays(401, 20003, "Authenticate"), /GHOSTROLL_TWILIO_AUTH_TOKEN/],
      address: [twilioSays(400, 21211, `Invalid 'To' Phone Number: ${NUMBER}`), /GHOSTROLL_TEXT_TO/],
      busy: [twilioSays(429, 20429, "Too Many Requests", WAIT), null],
      broken: [twilioSays(500, 20500, "Internal Server Error"), null],
    },
  },
  sns: {
    open: (baseUrl) => snsChannel(NUMBER, { region: "eu-central-1", baseUrl, sign: openAwsSigner({ region: "eu-central-1", credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken: null } }) }),
    answers: {
      keys: [snsSays(403, "InvalidClientTokenId", "The security token included in the request is invalid."), /access keys/],
      address: [snsSays(400, "InvalidParameter", `Invalid parameter: PhoneNumber Reason: ${NUMBER} is not valid to publish to`), /GHOSTROLL_TEXT_TO/],
      busy: [snsSays(400, "Throttled", "Rate exceeded"), null],
      broken: [snsSays(500, "InternalError", "We encountered an internal error."), null],
    },
  },
  ntfy: {
    open: (url) => ntfyChannel(`${url}/${SECRET}`, { token: "tk_t0ken" }),
    answers: {
      keys: [ntfySays(401, 40101, "unauthorized"), /GHOSTROLL_NTFY_TOKEN/],
      address: [ntfySays(400, 40009, "invalid request: topic invalid"), /GHOSTROLL_TEXT_TO/],
      busy: [ntfySays(429, 42901, "limit reached: too many requests", WAIT), null],
      broken: [{ status: 502, body: "<html>nginx</html>" }, null],
    },
  },
  telegram: {
    open: (baseUrl) => telegramChannel("-100200300", { token: `123456:${SECRET}`, baseUrl }),
    answers: {
      keys: [telegramSays(401, "Unauthorized"), /GHOSTROLL_TELEGRAM_TOKEN/],
      address: [telegramSays(400, "Bad Request: chat not found"), /GHOSTROLL_TEXT_TO/],
      busy: [telegramSays(429, "Too Many Requests: retry after 3", { retry_after: 3 }), null],
      broken: [telegramSays(500, "Internal Server Error"), null],
    },
  },
  webhook: {
    open: (url) => webhookChannel(`${url}/${SECRET}`, { secret: SECRET }),
    answers: {
      keys: [{ status: 401 }, /GHOSTROLL_TEXT_TO/],
      address: [{ status: 400, body: `no such hook: /${SECRET}` }, /GHOSTROLL_TEXT_TO/],
      busy: [{ status: 429, headers: WAIT }, null],
      broken: [{ status: 500, body: "oops" }, null],
    },
  },
};

for (const [name, { open, answers }] of Object.entries(CASES))
  describe(`${name}, when it does not take a message`, () => {
    for (const [what, [answer, fix]] of Object.entries(answers))
      it(`${fix === null ? "is asked again later" : "is never asked again, and a sentence says what to correct"}: ${what}`, async (t) => {
        const { url, heard } = await provider(t, answer);
        const outcome = await open(url)(text, never);
        assert.equal(heard.length, 1, "asked once");
        // What broke may have broken after it had taken the message.
        const passes = what === "broken" ? "unsure" : "later";
        assert.equal(outcome.kind, fix === null ? passes : "refused");
        assert.ok("reason" in outcome);
        assert.match(outcome.reason, /answered \d{3}.*\.$/);
        if (fix !== null) assert.match(outcome.reason, fix);
        const saysWhen = what === "busy" && name !== "sns";
        if (outcome.kind === "later") assert.equal(outcome.waitMs, saysWhen ? 3000 : null);
        assert.doesNotMatch(outcome.reason, /4917012345678|hidden-from|t0ken|AKIDEXAMPLE|100200300/);
      });
  });
