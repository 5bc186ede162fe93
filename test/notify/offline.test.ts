import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Channel } from "../../src/notify/outcome.ts";
import type { SenderOptions } from "../../src/notify/sender.ts";
import { openSender } from "../../src/notify/sender.ts";
import { telegramChannel } from "../../src/notify/telegram.ts";
import { twilioChannel } from "../../src/notify/twilio.ts";
import { webhookChannel } from "../../src/notify/webhook.ts";
import { deadPort } from "../support/dead-port.ts";
import { provider } from "../support/provider.ts";
import { tempFolder } from "../support/temp.ts";
import { catalogWithSession, outboxOf } from "./outbox.ts";

const HOUR_S = 3600;
const STEP_S = 5;
const EVENTS = ["gallery-open", "gallery-complete"] as const;

describe("messages to several people through an hour without a network", () => {
  it("are tried a few dozen times and arrive exactly once each, in order, also when the box was restarted meanwhile", async (t) => {
    const { catalog, session } = catalogWithSession(join(await tempFolder(t), "c.db"));
    t.after(() => catalog.close());
    const away = await provider(t, { status: 200 }, await deadPort());
    await away.close();
    let [tried, inFlight] = [0, 0];
    const counted =
      (channel: Channel): Channel =>
      async (text, signal) => {
        tried += 1;
        inFlight += 1;
        return channel(text, signal).finally(() => {
          inFlight -= 1;
        });
      };
    const channels = {
      phone: twilioChannel("+4917012345678", {
        accountSid: `AC${"0a".repeat(16)}`,
        authToken: "t",
        from: "+15005550006",
        baseUrl: away.url,
      }),
      chat: telegramChannel("42", { token: "1:x", baseUrl: away.url }),
      hook: webhookChannel(`${away.url}/hook`, { secret: null }),
    };
    const people = Object.keys(channels);
    for (const event of EVENTS) catalog.putMessages(session.id, event, `EOS: ${event}.`, people);
    const options: SenderOptions = {
      recipients: Object.entries(channels).map(([id, channel]) => ({
        id,
        name: id,
        channel: counted(channel),
      })),
      outbox: outboxOf(catalog),
      hear: () => {},
    };
    const states = () => catalog.messagesOf(session.id).map(({ state }) => state);

    t.mock.timers.enable({ apis: ["setTimeout"] });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.timers.reset();
      syncBuiltinESMExports();
    });
    /** Lets so much time go by; whatever it sets off has its answer before it goes on. */
    const pass = async (seconds: number) => {
      for (let at = 0; at < seconds; at += STEP_S) {
        t.mock.timers.tick(STEP_S * 1000);
        do for (let turns = 0; turns < 5; turns++) await turn();
        while (inFlight > 0);
      }
    };

    const before = openSender(options);
    await pass(HOUR_S / 2);
    await before.close();
    const sender = openSender(options);
    await pass(HOUR_S / 2);
    assert.deepEqual(new Set(states()), new Set(["waiting"]));
    const each = tried / people.length;
    assert.ok(each >= 15 && each <= 60, `${each} attempts an hour for each of them`);

    const { heard } = await provider(t, { status: 200 }, away.port);
    await pass(300);
    assert.deepEqual(
      states(),
      EVENTS.flatMap(() => people.map(() => "sent")),
    );
    await pass(HOUR_S);
    for (const path of ["/Messages.json", "/sendMessage", "/hook"]) {
      const bodies = heard
        .filter(({ url }) => url.endsWith(path))
        .map(({ body }) => decodeURIComponent(body));
      assert.deepEqual(
        bodies.map((body) =>
          EVENTS.find((event) => body.includes(`EOS: ${event}`) || body.includes(`EOS:+${event}`)),
        ),
        EVENTS,
        path,
      );
    }
    await sender.close();
    t.diagnostic(`${each} attempts for each of ${people.length} in an hour, then ${heard.length} messages`);
  });
});
