import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { MessageEvent } from "../../src/catalog/outbox.ts";
import { Failure } from "../../src/domain/failure.ts";
import type { Channel } from "../../src/notify/outcome.ts";
import type { Outbox, Sender, SenderOptions, Told } from "../../src/notify/sender.ts";
import { openSender } from "../../src/notify/sender.ts";
import { telegramChannel } from "../../src/notify/telegram.ts";
import { twilioChannel } from "../../src/notify/twilio.ts";
import { deadPort } from "../support/dead-port.ts";
import { provider } from "../support/provider.ts";
import { tempFolder } from "../support/temp.ts";
import { catalogWithSession, outboxOf } from "./outbox.ts";

const NUMBER = "+4917012345678";
const SID = `AC${"0a".repeat(16)}`;
const created = { status: 201, body: JSON.stringify({ sid: "SM1", status: "queued" }) };
const twilio = (baseUrl: string) =>
  twilioChannel(NUMBER, { accountSid: SID, authToken: "t0ken", from: "+15005550006", baseUrl });

async function post(t: TestContext) {
  const db = join(await tempFolder(t), "c.db");
  const { catalog, session } = catalogWithSession(db);
  const senders: Sender[] = [];
  t.after(async () => {
    for (const sender of senders) await sender.close();
    catalog.close();
  });
  const told: Told[] = [];
  const write = (event: MessageEvent, ...recipients: string[]) =>
    catalog.putMessages(session.id, event, `EOS: ${event}.`, recipients);
  const states = () => catalog.messagesOf(session.id).map(({ event, state }) => `${event} ${state}`);
  const open = (recipients: SenderOptions["recipients"], outbox: Outbox = outboxOf(catalog)) => {
    const hear = (one: Told) => void told.push(one);
    const sender = openSender({ recipients, outbox, hear, firstPauseMs: 20, doubtPausesMs: [1, 1, 1, 1] });
    senders.push(sender);
    return sender;
  };
  return { db, catalog, session, told, write, states, open };
}

async function until(isSo: () => boolean, what = "it did not come to that"): Promise<void> {
  for (const untilMs = performance.now() + 10_000; performance.now() < untilMs; await delay(10))
    if (isSo()) return;
  assert.fail(what);
}

describe("the sender", () => {
  it("sends each message once, in order, also one that comes while it waits", async (t) => {
    const { write, states, open } = await post(t);
    const { url, heard } = await provider(t, created);
    write("gallery-open", "me");
    const sender = open([{ id: "me", name: "me", channel: twilio(url) }]);
    await until(() => states().join() === "gallery-open sent");
    write("gallery-complete", "me");
    write("gallery-complete", "me");
    sender.ring();
    await until(() => states().join() === "gallery-open sent,gallery-complete sent");
    assert.deepEqual(
      heard.map(({ body }) => new URLSearchParams(body).get("Body")),
      ["EOS: gallery-open. https://photos.example/g/x", "EOS: gallery-complete. https://photos.example/g/x"],
    );
  });

  it("comes back after 429 and 503 until it is taken, and says the same trouble once", async (t) => {
    const { write, states, told, open } = await post(t);
    const { url, heard, answers } = await provider(t, created);
    answers.push({ status: 429, headers: { "retry-after": "0" } }, { status: 503 }, { status: 503 });
    write("gallery-open", "me");
    open([{ id: "me", name: "twilio …5678", channel: twilio(url) }]);
    await until(() => states().join() === "gallery-open sent");
    assert.equal(heard.length, 4);
    assert.deepEqual(
      told.map(({ kind, receipt }) => `${kind} ${receipt}`),
      ["later null", "later null", "sent SM1"],
    );
  });

  it("gives up what is refused, with the reason, and goes on with the next", async (t) => {
    const { write, states, told, catalog, session, open } = await post(t);
    const { url, answers } = await provider(t, created);
    answers.push({
      status: 401,
      body: JSON.stringify({ code: 20003, message: "Authenticate", status: 401 }),
    });
    write("gallery-open", "me");
    write("gallery-complete", "me");
    open([{ id: "me", name: "twilio …5678", channel: twilio(url) }]);
    await until(() => states().join() === "gallery-open given-up,gallery-complete sent");
    assert.match(catalog.messagesOf(session.id)[0]?.reason ?? "", /GHOSTROLL_TWILIO_AUTH_TOKEN/);
    assert.doesNotMatch(JSON.stringify(told), /t0ken|0a0a|4917012345678/);
  });

  it("sends later what it could not send while there was no network", async (t) => {
    const { write, states, told, open } = await post(t);
    const away = await provider(t, created, await deadPort());
    await away.close();
    write("gallery-open", "me");
    write("gallery-complete", "me");
    open([{ id: "me", name: "me", channel: twilio(away.url) }]);
    await until(() => told.length > 0);
    await delay(200);
    assert.deepEqual(states(), ["gallery-open waiting", "gallery-complete waiting"]);
    const { heard } = await provider(t, created, away.port);
    await until(() => states().every((state) => state.endsWith("sent")));
    assert.equal(heard.length, 2);
  });

  it("lets no recipient wait for another", async (t) => {
    const { write, states, open } = await post(t);
    const [phone, chat] = [await provider(t, created), await provider(t, { status: 503 })];
    write("gallery-open", "chat", "phone");
    open([
      { id: "chat", name: "chat", channel: telegramChannel("1", { token: "1:x", baseUrl: chat.url }) },
      { id: "phone", name: "phone", channel: twilio(phone.url) },
    ]);
    await until(() => states().join() === "gallery-open waiting,gallery-open sent");
    assert.equal(phone.heard.length, 1);
    await until(() => chat.heard.length > 1);
  });

  it("leaves alone who is no longer in the settings, until they are again", async (t) => {
    const { write, states, open } = await post(t);
    const { url } = await provider(t, created);
    write("gallery-open", "gone");
    const sender = open([{ id: "me", name: "me", channel: twilio(url) }]);
    await sender.close();
    assert.deepEqual(states(), ["gallery-open waiting"]);
    await open([{ id: "gone", name: "gone", channel: twilio(url) }]).close();
    assert.deepEqual(states(), ["gallery-open sent"]);
  });

  it("sends what has just been written before it closes, and does not wait for a provider that is away", async (t) => {
    const { write, states, open } = await post(t);
    const { url } = await provider(t, created);
    const sender = open([
      { id: "me", name: "me", channel: twilio(url) },
      { id: "away", name: "away", channel: twilio("http://127.0.0.1:1") },
    ]);
    await delay(20);
    write("gallery-complete", "me", "away");
    sender.ring();
    await sender.close();
    assert.deepEqual(states(), ["gallery-complete sent", "gallery-complete waiting"]);
  });

  it("waits when no link can be signed, and sends the text with its link later", async (t) => {
    const { catalog, write, states, told, open } = await post(t);
    const { url, heard } = await provider(t, created);
    const outbox = outboxOf(catalog);
    let isUnsignable = true;
    write("gallery-open", "me");
    open([{ id: "me", name: "me", channel: twilio(url) }], {
      ...outbox,
      nextMessage(id) {
        const message = outbox.nextMessage(id);
        const link = async () => {
          if (isUnsignable) throw new Failure("remote-refused", "No access key was found.");
          return "https://photos.example/g/x";
        };
        return message && { ...message, link };
      },
    });
    await until(() => told.length > 0);
    assert.deepEqual([heard.length, told[0]?.reason], [0, "No access key was found."]);
    isUnsignable = false;
    await until(() => states().join() === "gallery-open sent");
  });

  for (const answer of ["cut", { status: 500 }, { status: 502 }, { status: 504 }] as const)
    it(`stops after five times ${answer === "cut" ? "without an answer" : answer.status}, since each may have arrived`, async (t) => {
      const { catalog, session, write, states, open } = await post(t);
      const { url, heard } = await provider(t, answer);
      write("gallery-open", "me");
      write("gallery-complete", "me");
      open([{ id: "me", name: "me", channel: twilio(url) }]);
      await until(() => states().join() === "gallery-open given-up,gallery-complete given-up");
      assert.equal(heard.length, 10);
      assert.match(catalog.messagesOf(session.id)[0]?.reason ?? "", /may have arrived/);
    });

  it("outlasts an evening in which a provider accepts and hangs", async (t) => {
    const { catalog, session, write, told } = await post(t);
    const tried: number[] = [];
    const [fromMs, minuteMs] = [Date.now(), 60_000];
    t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: fromMs });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.timers.reset();
      syncBuiltinESMExports();
    });
    const channel: Channel = async () => {
      tried.push(Math.round((Date.now() - fromMs) / minuteMs));
      return { kind: "unsure", reason: "Twilio did not answer (TimeoutError)." };
    };
    write("gallery-open", "me");
    const sender = openSender({
      recipients: [{ id: "me", name: "me", channel }],
      outbox: outboxOf(catalog),
      hear: (one) => void told.push(one),
    });
    for (let minute = 0; minute < 400; minute++) {
      for (let turns = 0; turns < 5; turns++) await turn();
      t.mock.timers.tick(minuteMs);
    }
    assert.deepEqual(tried, [0, 1, 11, 71, 311]);
    const [message] = catalog.messagesOf(session.id);
    assert.match(
      `${message?.state} ${message?.reason}`,
      /^given-up Twilio did not answer .* went out 5 times/,
    );
    await sender.close();
  });
});

describe("a kill of the sender", () => {
  /** Runs the sender until it is killed, then once more; returns the keys the receiver heard. */
  async function killed(t: TestContext, dieBefore: "call" | "record" | "hear"): Promise<string[]> {
    const { db, catalog, write } = await post(t);
    const { url, heard } = await provider(t, { status: 204 });
    write("gallery-open", "them");
    catalog.close();
    const ends = [];
    for (const moment of [dieBefore, ""]) {
      const file = fileURLToPath(new URL("./fixtures/send.ts", import.meta.url));
      const child = spawn(process.execPath, [file, db, url, moment], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      t.after(() => void child.kill("SIGKILL"));
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      ends.push(signal ?? code);
    }
    assert.deepEqual(ends, ["SIGKILL", 0]);
    return heard.map(({ headers }) => String(headers["idempotency-key"]));
  }

  it("before a message leaves: it arrives once", async (t) => {
    assert.equal((await killed(t, "call")).length, 1);
  });

  it("between the provider's yes and our record: it arrives twice, with one key, and never more", async (t) => {
    const keys = await killed(t, "record");
    assert.equal(keys.length, 2);
    assert.equal(new Set(keys).size, 1);
  });

  it("after the record: it arrived once", async (t) => {
    assert.equal((await killed(t, "hear")).length, 1);
  });
});
