import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { openLog } from "../../src/app/log.ts";
import { Failure } from "../../src/domain/failure.ts";

const LOG = new URL("../../src/app/log.ts", import.meta.url).href;

function record(level = "info", secrets: string[] = []) {
  const lines: string[] = [];
  const log = openLog({ level, secrets, out: { write: (line: string) => lines.push(line) } });
  return { log, lines };
}

describe("log", () => {
  it("writes one JSON object a line with the level as a word and a time people can read", () => {
    const { log, lines } = record();
    log.info({ session: 7, files: 412 }, "card offloaded");
    const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.equal(line["level"], "info");
    assert.equal(line["session"], 7);
    assert.equal(line["msg"], "card offloaded");
    assert.match(String(line["time"]), /^\d{4}-\d\d-\d\dT/);
    assert.ok(!("pid" in line));
  });

  it("begins a line with its severity where the journal takes that off, and nowhere else", async () => {
    // What a service finds itself with; here a pipe is the journal.
    const journal = 'exec 3>&1; JOURNAL_STREAM=$(stat --dereference --format %d:%i /dev/fd/3) exec "$@"';
    for (const [under, start] of [
      [["sh", "-c", journal, "sh"], '<4>{"level":"warn"'],
      [["env", "JOURNAL_STREAM=1:1"], '{"level":"warn"'],
      [[], '{"level":"warn"'],
    ] as const) {
      const log = `import { isJournal, openLog } from ${JSON.stringify(LOG)};
        openLog({ level: "info", isJournal: isJournal(process.env) }).warn("said");`;
      const command = [...under, process.execPath, "--input-type=module-typescript", "--eval", log];
      const out = execFileSync(command[0] ?? "", command.slice(1), { encoding: "utf8" });
      assert.ok(out.startsWith(start), out);
    }
  });

  it("keeps quiet below its level", () => {
    const { log, lines } = record("warn");
    log.info("not said");
    assert.deepEqual(lines, []);
  });

  it("tells a failure with its code, stack and cause", () => {
    const { log, lines } = record();
    log.error({ error: new Failure("disk-full", "needs 38 GB", { cause: new Error("ENOSPC") }) }, "stopped");
    const { error } = JSON.parse(lines[0] ?? "") as { error: Record<string, unknown> };
    assert.equal(error["code"], "disk-full");
    assert.match(String(error["stack"]), /needs 38 GB.*ENOSPC/s);
  });

  const KEY = "AKIAIOSFODNN7EXAMPLE";
  const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const TOKEN = "IQoJb3JpZ2luX2VjEOT//////////token==";
  const SLUG = "lr2fGdyr5mRyWbmSRceVH_";
  const SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

  for (const [where, fields] of [
    [
      "a signed link",
      {
        link: `https://b.s3.amazonaws.com/k?X-Amz-Credential=${KEY}%2F20261114&X-Amz-Signature=${SIGNATURE}&X-Amz-Security-Token=${encodeURIComponent(TOKEN)}`,
      },
    ],
    ["a link of our own server", { link: `http://box:8081/o/g/slug?e=1763&s=${SIGNATURE}` }],
    ["a link without a signature", { link: `https://b.s3.amazonaws.com/ghostroll/g/${SLUG}/v` }],
    ["a key in a sentence", { error: new Error(`put g/${SLUG}/p/ab-share.jpg: refused`) }],
    ["a key of a station, and an encoded one", { a: `get stations/${SLUG}`, b: `at\ng%2F${SLUG}%2Fi.json` }],
    ["a link in an error", { error: new Error(`PUT https://b/k?x-amz-signature=${SIGNATURE} failed`) }],
    [
      "settings, nested",
      {
        settings: {
          store: { credentials: { accessKeyId: KEY, secretAccessKey: SECRET, sessionToken: TOKEN } },
        },
      },
    ],
    [
      "a header",
      { headers: { authorization: `AWS4-HMAC-SHA256 Credential=${KEY}/20261114, Signature=${SIGNATURE}` } },
    ],
    ["a text around it", { note: `tried ${SECRET}, then ${TOKEN} and ${encodeURIComponent(SECRET)}` }],
  ] as const)
    it(`lets no secret out in ${where}, and stays JSON`, () => {
      const { log, lines } = record("debug", [SECRET, TOKEN]);
      log.info(fields, "sent");
      const line = lines[0] ?? "";
      assert.equal((JSON.parse(line) as { msg: string }).msg, "sent");
      for (const secret of [
        KEY,
        SECRET,
        encodeURIComponent(SECRET),
        TOKEN,
        encodeURIComponent(TOKEN),
        SIGNATURE,
        SLUG,
      ])
        assert.ok(!line.includes(secret), line);
      assert.match(line, /\(hidden\)/);
    });

  it("leaves what is no secret as it is", () => {
    const { log, lines } = record();
    const [rendition, original] = [`p/${SIGNATURE}-share.jpg`, `originals/${SIGNATURE}.cr3`];
    log.info(
      { link: "http://box:8081/o/g/slug?e=1763&files=3", hash: SIGNATURE, rendition, original },
      "shown",
    );
    for (const said of [rendition, original]) assert.ok(lines[0]?.includes(said));
    assert.ok(lines[0]?.includes('"link":"http://box:8081/o/g/slug?e=1763&files=3"'));
    assert.ok(lines[0]?.includes(SIGNATURE));
  });
});
