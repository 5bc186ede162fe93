import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Text } from "../../src/notify/outcome.ts";
import { programChannel } from "../../src/notify/program.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const text: Text = {
  key: "6f0c1d1e-0000-4000-8000-000000000001",
  event: "gallery-open",
  card: 'odd "card" $(touch x)',
  title: "Wedding",
  message: "Wedding: 12 photos. https://photos.example/g/x",
  link: "https://photos.example/g/x",
};
const environment = { PATH: process.env["PATH"] ?? "" };

async function program(t: TestContext, script: string): Promise<string> {
  const path = join(await tempFolder(t), "send-sms");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("a message through a program of the user", () => {
  it("is handed over in its environment, beside which there is nothing of ours", async (t) => {
    const path = await program(t, `env | grep -E '^(GHOSTROLL|AWS)_' | sort > "$0.env"`);
    process.env["AWS_SECRET_ACCESS_KEY"] = "secret";
    t.after(() => delete process.env["AWS_SECRET_ACCESS_KEY"]);
    assert.deepEqual(await programChannel(path, { environment })(text, never), {
      kind: "sent",
      receipt: null,
    });
    assert.equal(
      await readFile(`${path}.env`, "utf8"),
      `GHOSTROLL_CARD=${text.card}\nGHOSTROLL_EVENT=gallery-open\nGHOSTROLL_ID=${text.key}\nGHOSTROLL_LINK=${text.link}\nGHOSTROLL_MESSAGE=${text.message}\nGHOSTROLL_TITLE=Wedding\n`,
    );
  });

  it("is never sent again after what no repetition changes, and later after anything else, in its own words", async (t) => {
    const outcomeOf = async (script: string) =>
      programChannel(await program(t, script), { environment })(text, never);
    assert.deepEqual(await outcomeOf("echo 'no such number.' >&2; exit 65"), {
      kind: "refused",
      reason: "send-sms ended with 65: no such number.",
    });
    for (const code of [1, 75, 127]) assert.equal((await outcomeOf(`exit ${code}`)).kind, "later", `${code}`);
    const missing = await programChannel("/nowhere/send-sms", { environment })(text, never);
    assert.ok(missing.kind === "later" && /cannot be run \(ENOENT\).*GHOSTROLL_TEXT_TO/.test(missing.reason));
  });

  it("may have arrived when the program hangs and is ended", async (t) => {
    const path = await program(t, "exec sleep 600");
    const hung = await programChannel(path, { environment, deadlineMs: 200 })(text, never);
    assert.deepEqual(hung, { kind: "unsure", reason: "send-sms did not come to its end." });
  });
});
