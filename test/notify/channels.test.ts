import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { ntfyChannel } from "../../src/notify/ntfy.ts";
import type { Channel, Text } from "../../src/notify/outcome.ts";
import { snsChannel } from "../../src/notify/sns.ts";
import { telegramChannel } from "../../src/notify/telegram.ts";
import { twilioChannel } from "../../src/notify/twilio.ts";
import { webhookChannel } from "../../src/notify/webhook.ts";
import { openAwsSigner } from "../../src/remote/aws-signer.ts";
import type { Heard } from "../support/provider.ts";
import { provider } from "../support/provider.ts";

const LINK = "https://photos.example/g/abcdefghijklmnopqrstuv/v";
const NUMBER = "+4917012345678";
const text: Text = {
  key: "6f0c1d1e-0000-4000-8000-000000000001",
  event: "gallery-open",
  card: "EOS_DIGITAL",
  title: "Hochzeit Müller & Söhne",
  message: `Hochzeit Müller & Söhne: 12 photos. ${LINK}`,
  link: LINK,
};
const SID = `AC${"0a".repeat(16)}`;
const TOKEN = "tok+en/with=odd";
const never = new AbortController().signal;

const send = async (channel: Channel) => channel(text, never);
const form = ({ body }: Heard) => Object.fromEntries(new URLSearchParams(body));
const json = (value: unknown) => JSON.stringify(value);

describe("a text through Twilio", () => {
  const open = (baseUrl: string, from = "+15005550006") =>
    twilioChannel(NUMBER, { accountSid: SID, authToken: TOKEN, from, baseUrl });
  const created = { status: 201, body: json({ sid: "SM123", status: "queued", error_code: null }) };

  it("is the form Twilio asks for, with the account's name and secret, and comes back with its id", async (t) => {
    const { url, heard } = await provider(t, created);
    assert.deepEqual(await send(open(url)), { kind: "sent", receipt: "SM123" });
    const [request] = heard;
    assert.ok(request);
    assert.equal(`${request.method} ${request.url}`, `POST /2010-04-01/Accounts/${SID}/Messages.json`);
    assert.equal(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(
      Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString(),
      `${SID}:${TOKEN}`,
    );
    assert.deepEqual(form(request), { To: NUMBER, From: "+15005550006", Body: text.message });
    assert.ok(request.body.startsWith(`To=%2B4917012345678&`), "a bare + is a blank in a form");
  });

  it("goes through a messaging service when that is what it comes from", async (t) => {
    const { url, heard } = await provider(t, created);
    const service = `MG${"1b".repeat(16)}`;
    await send(open(url, service));
    assert.deepEqual(Object.keys(form(heard[0] as Heard)), ["To", "MessagingServiceSid", "Body"]);
  });

  it("is refused for good with a sentence that says what to correct, and shows neither number nor secret", async (t) => {
    const { url, answers } = await provider(t, created);
    const complaint = (code: number, message: string, status: number) => ({
      status,
      body: json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }),
    });
    answers.push(complaint(20003, "Authenticate", 401));
    answers.push(complaint(21211, `The 'To' number ${NUMBER} is not a valid phone number.`, 400));
    answers.push(complaint(20404, `The requested resource /Accounts/${SID} was not found`, 404));
    assert.deepEqual(await send(open(url)), {
      kind: "refused",
      reason:
        "Twilio answered 401: Authenticate (twilio.com/docs/errors/20003). Check GHOSTROLL_TWILIO_ACCOUNT_SID and GHOSTROLL_TWILIO_AUTH_TOKEN: Twilio's console shows both.",
    });
    for (const expected of [/GHOSTROLL_TEXT_TO.*GHOSTROLL_TWILIO_FROM/, /no such account/]) {
      const outcome = await send(open(url));
      assert.ok(outcome.kind === "refused");
      assert.match(outcome.reason, expected);
      assert.doesNotMatch(outcome.reason, /4917012345678|tok\+en|0a0a/);
    }
  });

  it("waits as long as Twilio says at 429 and 503, an hour at most, and is in doubt at 500", async (t) => {
    const { url, answers } = await provider(t, created);
    answers.push({
      status: 429,
      headers: { "retry-after": "7" },
      body: json({ code: 20429, message: "Too Many Requests" }),
    });
    answers.push({ status: 429, headers: { "retry-after": "99999" } });
    answers.push({ status: 503, headers: { "retry-after": new Date(Date.now() + 60_000).toUTCString() } });
    answers.push({ status: 500, body: "<html>oops</html>" });
    const waits = [];
    for (let i = 0; i < 3; i++) {
      const outcome = await send(open(url));
      assert.equal(outcome.kind, "later");
      waits.push(outcome.kind === "later" ? outcome.waitMs : undefined);
    }
    assert.deepEqual([waits[0], waits[1]], [7000, 3_600_000]);
    assert.deepEqual(await send(open(url)), { kind: "unsure", reason: "Twilio answered 500." });
    assert.ok(waits[2] && waits[2] > 50_000 && waits[2] <= 60_000);
  });
});

describe("what happens on the way", () => {
  const open = (baseUrl: string) => telegramChannel("42", { token: "1:x", baseUrl });

  it("a provider that cannot be reached has certainly nothing: later", async (t) => {
    const { url, close } = await provider(t, { status: 200 });
    await close();
    const outcome = await send(open(url));
    assert.deepEqual(outcome, {
      kind: "later",
      reason: "Telegram cannot be reached (ECONNREFUSED).",
      waitMs: null,
    });
  });

  it("a name that does not resolve, as without a network, is later too", async () => {
    const outcome = await send(open("http://nowhere.invalid"));
    assert.equal(outcome.kind, "later");
  });

  it("one that takes the request and says nothing may have sent it: unsure", async (t) => {
    const { url, answers } = await provider(t, "cut");
    assert.equal((await send(open(url))).kind, "unsure");
    answers.push("hang");
    const outcome = await open(url)(text, AbortSignal.timeout(300));
    assert.equal(outcome.kind, "unsure");
  });
});

describe("a message of a Telegram bot", () => {
  const token = "123456:AAH-secret_token";
  const open = (baseUrl: string) => telegramChannel("-100200300", { token, baseUrl });

  it("names chat and text, and comes back with its number", async (t) => {
    const { url, heard } = await provider(t, {
      status: 200,
      body: json({ ok: true, result: { message_id: 42, chat: { id: -100200300 }, text: "" } }),
    });
    assert.deepEqual(await send(open(url)), { kind: "sent", receipt: "42" });
    assert.equal(heard[0]?.url, `/bot${token}/sendMessage`);
    assert.deepEqual(JSON.parse(heard[0]?.body ?? ""), { chat_id: "-100200300", text: text.message });
  });

  it("says in a sentence what to do about a wrong token or chat, and waits when told", async (t) => {
    const { url, answers } = await provider(t, "hang");
    const error = (status: number, description: string, parameters = {}) =>
      answers.push({ status, body: json({ ok: false, error_code: status, description, parameters }) });
    error(401, "Unauthorized");
    error(403, "Forbidden: bot was blocked by the user");
    error(429, "Too Many Requests: retry after 5", { retry_after: 5 });
    const [wrong, blocked, busy] = [await send(open(url)), await send(open(url)), await send(open(url))];
    assert.ok(wrong.kind === "refused" && /GHOSTROLL_TELEGRAM_TOKEN/.test(wrong.reason));
    assert.ok(
      blocked.kind === "refused" && /blocked by the user.*write to the bot first/.test(blocked.reason),
    );
    assert.deepEqual(busy, {
      kind: "later",
      reason: "Telegram answered 429: Too Many Requests: retry after 5.",
      waitMs: 5000,
    });
    assert.doesNotMatch(json([wrong, blocked, busy]), /AAH-secret/);
  });
});

describe("a push message through ntfy", () => {
  it("has title, text and link in any language, the token, and the same sequence id each time", async (t) => {
    const { url, heard } = await provider(t, {
      status: 200,
      body: json({ id: "hwQ2YpKdmg", event: "message" }),
    });
    const channel = ntfyChannel(`${url}/weddings_7f3a`, { token: "tk_secret" });
    assert.deepEqual(await send(channel), { kind: "sent", receipt: "hwQ2YpKdmg" });
    assert.equal(heard[0]?.url, "/");
    assert.equal(heard[0]?.headers.authorization, "Bearer tk_secret");
    assert.deepEqual(JSON.parse(heard[0]?.body ?? ""), {
      topic: "weddings_7f3a",
      sequence_id: text.key,
      title: text.title,
      message: text.message,
      click: LINK,
    });
    await ntfyChannel(`${url}/t`, { token: null })({ ...text, link: null }, never);
    assert.equal(heard[1]?.headers.authorization, undefined);
    assert.ok(!("click" in JSON.parse(heard[1]?.body ?? "")));
  });

  it("says what to do when the topic is protected, without naming it", async (t) => {
    const { url } = await provider(t, {
      status: 403,
      body: json({
        code: 40301,
        http: 403,
        error: "forbidden",
        link: "https://ntfy.sh/docs/publish/#authentication",
      }),
    });
    const outcome = await send(ntfyChannel(`${url}/weddings_7f3a`, { token: "tk_secret" }));
    assert.ok(
      outcome.kind === "refused" && /403: forbidden\. Check GHOSTROLL_NTFY_TOKEN/.test(outcome.reason),
    );
    assert.doesNotMatch(outcome.reason, /weddings|tk_secret/);
  });
});

describe("a webhook", () => {
  it("gets JSON with a key against doubles and a signature of exactly these bytes", async (t) => {
    const { url, heard } = await provider(t, { status: 204 });
    const channel = webhookChannel(`${url}/hook?token=hidden`, { secret: "whsec" });
    assert.deepEqual(await send(channel), { kind: "sent", receipt: null });
    const [request] = heard;
    assert.ok(request);
    const { key, message, title, link, event, card } = text;
    assert.deepEqual(JSON.parse(request.body), { id: key, event, card, title, link, message });
    assert.equal(request.url, "/hook?token=hidden");
    assert.equal(request.headers["idempotency-key"], key);
    const mac = createHmac("sha256", "whsec").update(request.body).digest("hex");
    assert.equal(request.headers["x-ghostroll-signature"], `sha256=${mac}`);
    await send(webhookChannel(url, { secret: null }));
    assert.equal(heard[1]?.headers["x-ghostroll-signature"], undefined);
  });

  it("never follows a redirect, which would lose the message, and repeats nothing of an error page", async (t) => {
    const { url, answers } = await provider(t, { status: 204 });
    answers.push({ status: 301, headers: { location: "/elsewhere" } });
    answers.push({ status: 404, body: "no route for /hook?token=hidden" });
    const moved = await send(webhookChannel(`${url}/hook?token=hidden`, { secret: null }));
    assert.ok(moved.kind === "refused" && /Put the address it redirects to/.test(moved.reason));
    const missing = await send(webhookChannel(`${url}/hook?token=hidden`, { secret: null }));
    assert.ok(missing.kind === "refused" && !missing.reason.includes("hidden"));
  });
});

describe("a text through Amazon SNS", () => {
  const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrEXAMPLE/+", sessionToken: null };
  const open = (baseUrl: string) =>
    snsChannel(NUMBER, {
      region: "eu-central-1",
      sign: openAwsSigner({ region: "eu-central-1", credentials }),
      baseUrl,
    });
  const published = `<PublishResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6-13c5</MessageId></PublishResult><ResponseMetadata><RequestId>d74b8436</RequestId></ResponseMetadata></PublishResponse>`;
  const failed = (type: string, code: string, message: string) =>
    `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>9dd01905</RequestId></ErrorResponse>`;

  it("is a signed Publish whose signature holds for what arrived", async (t) => {
    const { url, heard } = await provider(t, { status: 200, body: published });
    assert.deepEqual(await send(open(url)), { kind: "sent", receipt: "94f20ce6-13c5" });
    const [request] = heard;
    assert.ok(request);
    const { Action, PhoneNumber, Message, ...rest } = form(request);
    assert.deepEqual([Action, PhoneNumber, Message], ["Publish", NUMBER, text.message]);
    assert.equal(rest["MessageAttributes.entry.1.Value.StringValue"], "Transactional");
    assert.equal(request.headers.authorization, signatureOf(request, credentials, "eu-central-1", "sns"));
  });

  it("tells throttling and a wrong clock, which pass, from keys and numbers, which do not", async (t) => {
    const { url, answers } = await provider(t, "hang");
    answers.push({ status: 400, body: failed("Sender", "Throttling", "Rate exceeded") });
    answers.push({
      status: 403,
      body: failed(
        "Sender",
        "SignatureDoesNotMatch",
        "Signature expired: 19700101T000000Z is now earlier than …",
      ),
    });
    answers.push({
      status: 403,
      body: failed("Sender", "AuthorizationError", "User is not authorized to perform: SNS:Publish"),
    });
    answers.push({
      status: 400,
      body: failed(
        "Sender",
        "InvalidParameter",
        `Invalid parameter: PhoneNumber Reason: ${NUMBER} is not valid to publish to`,
      ),
    });
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(await send(open(url)));
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["later", "later", "refused", "refused"],
    );
    assert.match(json(outcomes[2]), /sns:Publish/);
    assert.doesNotMatch(json(outcomes), /4917012345678|AKIDEXAMPLE|wJalr/);
  });
});

/** The `authorization` header a request must have, computed anew (docs.aws.amazon.com, "Create a signed AWS API request"). */
function signatureOf(
  { headers, body, method, url }: Heard,
  keys: { accessKeyId: string; secretAccessKey: string },
  region: string,
  service: string,
): string {
  const sha256 = (data: string) => createHash("sha256").update(data).digest("hex");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  assert.ok(["content-type", "host", "x-amz-date"].every((name) => signed.split(";").includes(name)));
  const lines = signed.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, url, "", lines.join(""), signed, sha256(body)].join("\n");
  const time = String(headers["x-amz-date"]);
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`);
  const signature = hmac(key, toSign).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
}
