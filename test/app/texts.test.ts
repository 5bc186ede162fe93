import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { tellingCatalog } from "../../src/app/texts.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { loadSettings } from "../../src/config/load.ts";
import { captureFromFile } from "../../src/domain/capture.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { makeCard, pictureCard } from "../support/card.ts";
import { deadPort } from "../support/dead-port.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import type { Heard } from "../support/provider.ts";
import { provider } from "../support/provider.ts";
import { tempFolder } from "../support/temp.ts";

interface Posted {
  readonly id: string;
  readonly event: string;
  readonly card: string;
  readonly link: string | null;
  readonly message: string;
}

/** What ntfy gets. */
interface Pushed {
  readonly topic: string;
  readonly message: string;
}

const posted = (heard: readonly Heard[], path: string) =>
  heard.filter(({ url }) => url === path).map(({ body }) => JSON.parse(body) as Posted);
const set = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

/** A catalog that tells these recipients, with a session of `count` pictures that are in the store but not in a gallery. */
async function telling(t: TestContext, count: number, recipients: string) {
  const folder = await tempFolder(t);
  const environment = { GHOSTROLL_TEXT_TO: recipients, GHOSTROLL_TELEGRAM_TOKEN: "1:x" };
  const settings = loadSettings({ flags: {}, environment, cwd: folder, homeDir: folder });
  const plain = openCatalog(join(folder, "c.db"), "store");
  t.after(() => plain.close());
  let rings = 0;
  const catalog = tellingCatalog(settings, plain, () => rings++);
  const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
  const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));
  const names = Array.from({ length: count }, (_, i) => `IMG_${String(i).padStart(4, "0")}.JPG`);
  const files = names.map((name) => ({
    path: Buffer.from(name),
    sizeBytes: 9,
    modifiedMs: 1_750_000_000_000,
  }));
  const session = catalog.openSession(volume, "2026-06-15", files);
  catalog.find(session.id, files);
  const media = mediaByName("x.jpg");
  catalog.settle(
    session,
    catalog.pending(session.id).map((file, i) => ({
      to: "stored" as const,
      file,
      copy: { hash: hashOf(`${i}`), headHash: hashOf(`${i}`), sizeBytes: 9, media, part: "/nowhere" },
      path: `o/${names[i]}`,
    })),
  );
  const upload = (amount: number) => {
    const kept = catalog.stored(session.id, amount);
    const derived = {
      renditions: [{ preset: "thumb" as const, width: 3, height: 2, sizeBytes: 9, sha256: hashOf("thumb") }],
      color: null,
      note: null,
    };
    catalog.markRendered(kept.map((file) => ({ file, derived, capture: captureFromFile(file.modifiedMs) })));
    catalog.markUploaded(kept.map(({ id }) => id));
  };
  const written = () => plain.messagesOf(session.id).map(({ event }) => event);
  return { catalog, session, upload, written, rings: () => rings };
}

describe("what people are told", () => {
  it("is the link once a screen of pictures is there, and the end, once each", async (t) => {
    const { catalog, session, upload, written, rings } = await telling(
      t,
      20,
      "telegram:1,eos=telegram:2,NIKON=telegram:3",
    );
    upload(11);
    catalog.markPublished(session.id, false);
    assert.deepEqual(written(), []);
    upload(1);
    catalog.markPublished(session.id, false);
    catalog.markPublished(session.id, false);
    assert.deepEqual(written(), ["gallery-open", "gallery-open"]);
    upload(8);
    catalog.markPublished(session.id, true);
    catalog.markPublished(session.id, true);
    assert.deepEqual(written().slice(2), ["gallery-complete", "gallery-complete"]);
    assert.ok(rings() >= 2);
  });

  it("is one message when a gallery is complete before a screen is full", async (t) => {
    const { catalog, session, upload, written } = await telling(t, 5, "telegram:1");
    upload(5);
    catalog.markPublished(session.id, false);
    catalog.markPublished(session.id, true);
    assert.deepEqual(written(), ["gallery-complete"]);
  });

  it("is what needs a person, and nothing that passes by itself", async (t) => {
    const { catalog, session, written } = await telling(t, 5, "telegram:1");
    for (const code of ["remote-unreachable", "interrupted", null] as const)
      catalog.stopped(session.id, code);
    assert.deepEqual(written(), []);
    catalog.stopped(session.id, "card-removed");
    assert.deepEqual(written(), ["trouble"]);
  });
});

describe("messages to people", () => {
  it("go to who hears of this card, and the log shows no address", async (t) => {
    const folder = await tempFolder(t);
    const roots = join(folder, "media");
    await mkdir(roots);
    await pictureCard(join(roots, "EOS"), 4);
    await makeCard(join(roots, "EOS"), { "DCIM/100CANON/MVI_0005.MOV": Buffer.from("\0\0\0\x14ftypqt  ") });
    const { url, heard } = await provider(t, { status: 200 });
    const run = start([
      "watch",
      ...set({
        MOUNT_ROOTS: roots,
        BASE_DIR: join(folder, "library"),
        WEB_PORT: "0",
        TEXT_TO: `webhook:${url}/every-hidden,EOS=webhook:${url}/eos-hidden,NIKON=webhook:${url}/nikon-hidden`,
      }),
    ]);
    t.after(() => void run.child.kill("SIGKILL"));
    const isTold = () => ["/every-hidden", "/eos-hidden"].every((path) => posted(heard, path).length > 0);
    for (const untilMs = performance.now() + 30_000; performance.now() < untilMs && !isTold(); )
      await delay(100);
    run.child.kill("SIGTERM");
    const { code, out } = await run.ended;
    assert.equal(code, 0);

    const [complete, ...more] = posted(heard, "/every-hidden");
    assert.ok(complete && more.length === 0, out);
    assert.match(complete.message, /: 4 photos, 1 video, every file of the card is kept\. http:\S+$/);
    assert.ok(complete.message.endsWith(` ${complete.link}`));
    assert.equal(posted(heard, "/eos-hidden").length, 1);
    assert.equal(posted(heard, "/nikon-hidden").length, 0);
    assert.match(out, /"recipient":"webhook at 127\.0\.0\.1:\d+".*"message sent"/);
    assert.doesNotMatch(out, /-hidden/);
  });

  it("that nobody has got are named by status, in its words and as facts, without an address", async (t) => {
    const folder = await tempFolder(t);
    const away = await provider(t, { status: 200 }, await deadPort());
    await away.close();
    const answers = {
      away,
      refuses: await provider(t, { status: 400 }),
      breaks: await provider(t, { status: 502 }),
      takes: await provider(t, { status: 200 }),
    };
    const settings = {
      BASE_DIR: join(folder, "library"),
      WEB_PORT: "0",
      TEXT_TO: Object.values(answers)
        .map(({ url }) => `webhook:${url}/hidden`)
        .join(),
    };
    const look = async (more: Readonly<Record<string, string>> = {}, ...flags: string[]) =>
      (await ghostroll(["status", ...flags, ...set({ ...settings, ...more })])).out;
    await ghostroll(["ingest", await pictureCard(join(folder, "EOS"), 3), "--no-serve", ...set(settings)]);
    const said = await look();
    const lineOf = (name: keyof typeof answers) =>
      said.split("\n").find((line) => line.includes(`:${answers[name].port} `));
    assert.match(
      lineOf("away") ?? "",
      /^\w+-\w+ \(EOS\): the message gallery-complete to webhook at \S+ waits to be sent\.$/,
    );
    assert.match(lineOf("refuses") ?? "", /was given up\. The webhook .* answered 400\. Check its address/);
    assert.match(
      lineOf("breaks") ?? "",
      /went out 1 time without an answer .*, and waits to be sent again\.$/,
    );
    assert.equal(lineOf("takes"), undefined);
    const { messages } = JSON.parse(await look({}, "--json")) as { messages: { state: string }[] };
    assert.deepEqual(
      messages.map(({ state }) => state),
      ["waiting", "given-up", "waiting"],
    );
    assert.doesNotMatch(said + JSON.stringify(messages), /hidden/);
    // Who is no longer to be told has nothing that waits.
    assert.doesNotMatch(await look({ TEXT_TO: "" }), /message/);
  });

  it("wait for a receiver that is away, come once at a later run, and never again", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "EOS"), 3);
    const away = await provider(t, { status: 200 }, await deadPort());
    await away.close();
    const settings = {
      BASE_DIR: join(folder, "library"),
      WEB_PORT: "0",
      TEXT_TO: `webhook:${away.url}/hidden`,
    };
    const ingest = async () => ghostroll(["ingest", card, "--no-serve", ...set(settings)]);
    const first = await ingest();
    assert.equal(first.code, 0, first.err);
    assert.match(first.err, /A message to webhook at \S+ was not sent/);
    assert.doesNotMatch(first.err + first.out, /hidden/);

    const { heard } = await provider(t, { status: 200 }, away.port);
    await ingest();
    await ingest();
    // A gallery that is complete before a screen is full is told of once.
    assert.deepEqual(
      posted(heard, "/hidden").map(({ event, card: label }) => `${event} ${label}`),
      ["gallery-complete EOS"],
    );
  });

  it("bring a short link that lasts in one SMS, each once to each of several people, by the label of the card", async (t) => {
    const folder = await tempFolder(t);
    const server = await startFlakyS3("photos");
    t.after(() => server.close());
    const { url, heard } = await provider(t, { status: 200 });
    const program = join(folder, "send-sms");
    await writeFile(program, `#!/bin/sh\necho "$GHOSTROLL_EVENT $GHOSTROLL_MESSAGE" >> "$0.sent"\n`, {
      mode: 0o755,
    });
    const env = {
      GHOSTROLL_BASE_DIR: join(folder, "library"),
      GHOSTROLL_RESERVE_MB: "0",
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_S3_ENDPOINT: server.endpoint,
      GHOSTROLL_SHARE: "capability",
      GHOSTROLL_SHARE_URL: "https://my-photos.s3.eu-central-1.amazonaws.com/ghostroll",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
      GHOSTROLL_TEXT_TO: `webhook:${url}/couple,NIKON=webhook:${url}/second,ntfy:${url}/guests,EOS=webhook:${url}/first,command:${program}`,
    };
    for (const label of ["EOS", "NIKON"]) {
      const card = await pictureCard(join(folder, label), 3, label === "EOS" ? 0 : 3);
      for (const _ of ["first", "again"]) {
        const { code, out, err } = await ghostroll(["ingest", card, "--rescan", "stat"], { env });
        assert.equal(code, 0, out + err);
      }
    }
    const events = (path: string) => posted(heard, path).map(({ event, card }) => `${card} ${event}`);
    // Complete before a screen is full, each is told of once.
    assert.deepEqual(events("/couple"), ["EOS gallery-complete", "NIKON gallery-complete"]);
    assert.deepEqual(events("/first"), ["EOS gallery-complete"]);
    assert.deepEqual(events("/second"), ["NIKON gallery-complete"]);
    const pushed = heard
      .filter(({ url: path }) => path === "/")
      .map(({ body }) => JSON.parse(body) as Pushed);
    assert.deepEqual(
      pushed.map(({ topic }) => topic),
      ["guests", "guests"],
    );
    const written = (await readFile(`${program}.sent`, "utf8")).trim().split("\n");
    assert.equal(written.length, 2);
    for (const { message } of [...posted(heard, "/couple"), ...pushed]) {
      assert.ok(message.length <= 160, `${message.length}: ${message}`);
      assert.match(
        message,
        / https:\/\/my-photos\.s3\.eu-central-1\.amazonaws\.com\/ghostroll\/g\/[\w-]{22}\/v$/,
      );
      assert.ok(written.some((line) => line.endsWith(` ${message}`)));
    }
    t.diagnostic(
      posted(heard, "/couple")
        .map(({ message }) => `${message.length}: ${message}`)
        .join("; "),
    );
  });

  it("say once that a gallery needs somebody, with the fix, and once that it is complete after that", async (t) => {
    const folder = await tempFolder(t);
    const { url, heard } = await provider(t, { status: 200 });
    const card = await pictureCard(join(folder, "EOS"), 3);
    const denied = "<Error><Code>AccessDenied</Code></Error>";
    const refusing = await provider(t, { status: 403, body: denied });
    const env = {
      GHOSTROLL_BASE_DIR: join(folder, "library"),
      GHOSTROLL_RESERVE_MB: "0",
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_S3_ENDPOINT: refusing.url,
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
      GHOSTROLL_TEXT_TO: `webhook:${url}/me`,
    };
    for (const _ of ["first", "again"]) {
      const { code, out } = await ghostroll(["ingest", card, "--rescan", "stat"], { env });
      assert.equal(code, 78, out);
      assert.match(out, /Allow s3:PutObject/);
    }
    const [trouble, ...more] = posted(heard, "/me");
    assert.ok(trouble && more.length === 0);
    assert.deepEqual([trouble.event, trouble.link], ["trouble", null]);
    assert.match(trouble.message, /^EOS: .*The originals are kept\. Check the access keys/);
    await refusing.close();
    const server = await startFlakyS3("photos", { port: refusing.port });
    t.after(() => server.close());
    for (const _ of ["first", "again"])
      assert.equal((await ghostroll(["ingest", card, "--rescan", "stat"], { env })).code, 0);
    assert.deepEqual(
      posted(heard, "/me").map(({ event }) => event),
      ["trouble", "gallery-complete"],
    );
  });
});
