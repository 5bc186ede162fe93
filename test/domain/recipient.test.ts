import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hearsOf, parseRecipient, recipientName } from "../../src/domain/recipient.ts";

const read = (text: string) => parseRecipient(text) ?? assert.fail(`${text} is not understood`);

describe("a recipient", () => {
  it("is a channel and an address, with a card's label before it when it hears of that card only", () => {
    assert.deepEqual(read(" twilio:+4917012345678 "), {
      channel: "twilio",
      address: "+4917012345678",
      label: null,
    });
    assert.equal(read("EOS_DIGITAL=sns:+15005550006").label, "EOS_DIGITAL");
    assert.equal(read("NO NAME = ntfy:https://ntfy.sh/weddings").label, "NO NAME");
    assert.equal(read("telegram:-100200300").address, "-100200300");
    const hook = read("webhook:https://example.org/hook?a=b&c=twilio:x");
    assert.deepEqual([hook.label, hook.address], [null, "https://example.org/hook?a=b&c=twilio:x"]);
    assert.equal(read("EOS=command:/usr/local/bin/send a text").address, "/usr/local/bin/send a text");
  });

  it("needs a number with its country, and an address that leads somewhere", () => {
    const wrong = [
      "twilio:017012345678",
      "twilio:+0170123456",
      "twilio:+49 170 12345678",
      "twilio:+1234567890123456",
      "+4917012345678",
      "sms:+4917012345678",
      "toString:x",
      "ntfy:https://ntfy.sh/",
      "ntfy:ntfy.sh/topic",
      "webhook:ftp://example.org/",
      "webhook:https://user:word@example.org/",
      "telegram:somebody",
      "command:send-sms",
      "=twilio:+4917012345678",
    ];
    assert.deepEqual(
      wrong.filter((text) => parseRecipient(text) !== null),
      [],
    );
  });

  it("hears of every card, or of the one with its label in any case", () => {
    assert.ok(hearsOf(read("telegram:1"), "EOS"));
    assert.ok(hearsOf(read("eos=telegram:1"), "EOS"));
    assert.ok(!hearsOf(read("eos=telegram:1"), "EOS 2"));
  });

  it("is shown so that nobody can write to it", () => {
    assert.equal(recipientName(read("twilio:+4917012345678")), "twilio …5678");
    assert.equal(recipientName(read("ntfy:https://ntfy.sh/secret-topic")), "ntfy at ntfy.sh");
    assert.equal(recipientName(read("webhook:https://example.org/hook?token=t")), "webhook at example.org");
    assert.equal(recipientName(read("command:/home/ada/bin/send-sms")), "command send-sms");
  });
});
