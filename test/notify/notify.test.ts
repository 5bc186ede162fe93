import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Tally } from "../../src/domain/session.ts";
import { openCommandChannel } from "../../src/notify/command-channel.ts";
import { messageOf } from "../../src/notify/message.ts";
import { tempFolder } from "../support/temp.ts";

const link = "https://photos.example/g/abcdefghijklmnopqrstuv/v";
const tally: Tally = {
  found: 40,
  kept: 37,
  duplicates: 1,
  failed: 2,
  damaged: 0,
  rendered: 0,
  uploaded: 0,
  published: 0,
  keptBytes: 9,
};

describe("a message to people", () => {
  it("ends with the link, alone, so that a phone shows it", () => {
    const events = [
      { name: "gallery-open", card: "EOS", title: "Wedding", link },
      { name: "gallery-complete", card: "EOS", title: "Wedding", link, shown: "214 photos" },
    ] as const;
    for (const event of events) assert.match(messageOf(event), / https:\/\/\S+\w$/);
    assert.equal(messageOf(events[1]), `Wedding: 214 photos. ${link}`);
    assert.ok(messageOf(events[1]).length <= 160);
  });

  it("never says that all is kept when something is not", () => {
    const doubt = "37 of 39 kept; 2 unreadable: A.JPG, B.JPG.";
    const said = messageOf({ name: "card-kept", card: "EOS", tally, foundFiles: 40, doubt });
    assert.match(said, /37 files kept.*2 unreadable: A\.JPG, B\.JPG/);
    assert.doesNotMatch(said, /all is kept|safe/i);
    assert.match(
      messageOf({
        name: "card-kept",
        card: "EOS",
        tally: { ...tally, failed: 0 },
        foundFiles: 38,
        doubt: null,
      }),
      /all is kept/,
    );
  });

  it("says of a card that was kept before how much is on it, or what stands against taking it out", () => {
    const known = { name: "card-kept", card: "EOS", tally: null, foundFiles: 214 } as const;
    assert.equal(messageOf({ ...known, doubt: null }), "EOS: nothing new. All is kept already: 214 files.");
    const doubt = "The card could not be unmounted: close what uses it before you take it out.";
    assert.equal(messageOf({ ...known, doubt }), `EOS: nothing new. ${doubt}`);
  });
});

describe("a command for each event", () => {
  it("gets event, card, message and link, in order, and no variable that nobody passed", async (t) => {
    const file = join(await tempFolder(t), "said");
    const command = `echo "$GHOSTROLL_EVENT|$GHOSTROLL_CARD|$GHOSTROLL_LINK|$AWS_SECRET_ACCESS_KEY" >> ${file}; sleep 0.1`;
    process.env["AWS_SECRET_ACCESS_KEY"] = "secret";
    t.after(() => delete process.env["AWS_SECRET_ACCESS_KEY"]);
    const channel = openCommandChannel(command, { PATH: process.env["PATH"] ?? "" });
    await Promise.all([
      channel.tell({ name: "card-inserted", card: 'odd "name" $(touch x)' }),
      channel.tell({ name: "gallery-open", card: "EOS", title: "t", link }),
    ]);
    assert.equal(
      await readFile(file, "utf8"),
      `card-inserted|odd "name" $(touch x)||\ngallery-open|EOS|${link}|\n`,
    );
  });

  it("says why it failed, and the next one runs all the same", async (t) => {
    const file = join(await tempFolder(t), "said");
    const channel = openCommandChannel(`echo no modem >&2; echo x >> ${file}; exit 3`, {
      PATH: process.env["PATH"] ?? "",
    });
    await assert.rejects(channel.tell({ name: "card-inserted", card: "a" }), /no modem/);
    await assert.rejects(channel.tell({ name: "card-inserted", card: "b" }));
    assert.equal(await readFile(file, "utf8"), "x\nx\n");
  });
});
