import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { describeSettings } from "../../src/config/describe.ts";
import { loadSettings } from "../../src/config/load.ts";
import { textSecrets } from "../../src/config/texts.ts";

const SID = `AC${"0a".repeat(16)}`;
const TWILIO = {
  GHOSTROLL_TWILIO_ACCOUNT_SID: SID,
  GHOSTROLL_TWILIO_AUTH_TOKEN: "t0ken",
  GHOSTROLL_TWILIO_FROM: "+15005550006",
};

function load(environment: Record<string, string>, file?: { text: string; mode: number }) {
  const cwd = mkdtempSync(join(tmpdir(), "ghostroll-"));
  try {
    if (file !== undefined) writeFileSync(join(cwd, ".env"), file.text, { mode: file.mode });
    return loadSettings(
      { flags: {}, environment, cwd, homeDir: "/home/ada" },
      { coreCount: 4, availableBytes: 2 ** 33 },
    );
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

describe("settings of messages", () => {
  it("name several recipients and their accounts", () => {
    const { texts } = load({
      ...TWILIO,
      GHOSTROLL_TEXT_TO: "twilio:+4915987654321, EOS=ntfy:https://ntfy.sh/weddings_7f3a",
    }).notify;
    assert.deepEqual(
      texts.recipients.map(({ channel, label }) => [channel, label]),
      [
        ["twilio", null],
        ["ntfy", "EOS"],
      ],
    );
    assert.deepEqual(texts.twilio, { accountSid: SID, authToken: "t0ken", from: "+15005550006" });
  });

  it("say which account is missing, and refuse keys of another store for Amazon's texts", () => {
    assert.throws(
      () => load({ GHOSTROLL_TEXT_TO: "twilio:+4915987654321, telegram:1" }),
      /needs all of GHOSTROLL_TWILIO_ACCOUNT_SID.*TWILIO_AUTH_TOKEN.*TWILIO_FROM[\s\S]*TELEGRAM_TOKEN/,
    );
    assert.throws(
      () =>
        load({
          GHOSTROLL_TEXT_TO: "sns:+4915987654321",
          GHOSTROLL_S3_BUCKET: "photos",
          GHOSTROLL_S3_ENDPOINT: "https://r2.example",
        }),
      /keys of Amazon's/,
    );
  });

  it("never show a secret, a number or an address, right or wrong", () => {
    const secrets = /t0ken|4915987654321|tk_hidden|weddings_7f3a|whsec|AAH-hidden|0170 1234/;
    const settings = load({
      ...TWILIO,
      GHOSTROLL_NTFY_TOKEN: "tk_hidden",
      GHOSTROLL_WEBHOOK_SECRET: "whsec",
      GHOSTROLL_TELEGRAM_TOKEN: "1:AAH-hidden",
      GHOSTROLL_TEXT_TO: "EOS=twilio:+4915987654321,ntfy:https://ntfy.sh/weddings_7f3a",
    });
    const shown = describeSettings(settings);
    assert.doesNotMatch(shown.map(({ value }) => value).join("\n"), secrets);
    const shownOf = (name: string) => shown.find(({ key }) => key === `GHOSTROLL_${name}`)?.value;
    assert.equal(shownOf("TEXT_TO"), "EOS=twilio …4321, ntfy at ntfy.sh");
    assert.equal(shownOf("TWILIO_AUTH_TOKEN"), "(hidden)");
    for (const secret of ["t0ken", "tk_hidden", "whsec", "1:AAH-hidden", "+4915987654321"])
      assert.ok(textSecrets(settings.notify.texts).includes(secret), `${secret} would be logged`);

    const problem = (environment: Record<string, string>) => {
      try {
        load(environment);
      } catch (error) {
        return String(error);
      }
      return assert.fail("it was taken");
    };
    assert.match(problem({ GHOSTROLL_TELEGRAM_TOKEN: "AAH-hidden" }), /"\(hidden\)" in the environment/);
    assert.doesNotMatch(problem({ GHOSTROLL_TELEGRAM_TOKEN: "AAH-hidden" }), secrets);
    const wrong = problem({ GHOSTROLL_TEXT_TO: "ntfy:https://ntfy.sh/weddings_7f3a,twilio:0170 1234" });
    assert.match(wrong, /ntfy at ntfy\.sh, \(not understood\)/);
    assert.doesNotMatch(wrong, secrets);
  });

  it("warn of a link that opens on no phone, and of a token others can read", () => {
    const local = load({ GHOSTROLL_TEXT_TO: "telegram:1", GHOSTROLL_TELEGRAM_TOKEN: "1:x" });
    assert.match(local.warnings.join(), /set GHOSTROLL_WEB_URL/);
    const file = { text: "GHOSTROLL_TELEGRAM_TOKEN=1:x\n", mode: 0o644 };
    assert.match(load({}, file).warnings.join(), /chmod 600/);
    assert.deepEqual(load({}, { ...file, mode: 0o600 }).warnings, []);
  });
});
