import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { sessionCalled } from "../../src/app/session-called.ts";
import type { PastSession } from "../../src/domain/session.ts";
import { pictureCard } from "../support/card.ts";
import { addressesIn, statusesOf } from "../support/crawl.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { provider } from "../support/provider.ts";
import { freePorts } from "../support/s3-server.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 14;
const SOON_MS = 60_000;
const BUCKET = "photos";

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const endMs = performance.now() + SOON_MS; performance.now() < endMs; await delay(100))
    if (await isSo()) return;
  assert.fail(`${what} did not come within ${SOON_MS} ms`);
}

/** A library with one card, and the commands on it. */
async function library(t: TestContext, settings: Readonly<Record<string, string>> = {}, env = {}) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const roots = join(folder, "media");
  await mkdir(roots);
  // The address is part of every link in a page.
  const [port = 0] = await freePorts(1);
  const all = { BASE_DIR: base, MOUNT_ROOTS: roots, RESERVE_MB: "0", WEB_PORT: String(port), ...settings };
  const flags = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const run = (...args: string[]) => ghostroll([...args, ...flags], { env });
  const card = await pictureCard(join(folder, "EOS"), PICTURES);
  const ingest = async () => {
    const ended = await run("ingest", card, "--json", "--no-serve", "--rescan", "stat");
    assert.equal(ended.code, 0, ended.out + ended.err);
  };
  /** The daemon; `web` is where it serves. */
  const watch = async () => {
    const daemon = start(["watch", ...flags], { env });
    t.after(() => void daemon.child.kill("SIGKILL"));
    await until("the daemon", () => daemon.out().includes("waiting for cards"));
    return { daemon, web: /"web":"([^"]+)"/.exec(daemon.out())?.[1] ?? "" };
  };
  const end = async ({ child, ended }: Running) => {
    child.kill("SIGTERM");
    assert.equal((await ended).code, 0);
  };
  const record = async () => {
    const [path = ""] = [...(await hashesBelow(join(base, "originals"))).keys()].filter((name) =>
      name.endsWith("session.json"),
    );
    return JSON.parse(await readFile(path, "utf8")) as { slug: string; revoked?: string[] };
  };
  /** Of the last session, with the port where it is served now. */
  const link = async (web: string, ...command: string[]) => {
    const { code, out, err } = await run(...(command.length > 0 ? command : ["link", "last"]), "--json");
    assert.equal(code, 0, out + err);
    return (JSON.parse(out) as { link: string }).link.replace(/^http:\/\/[^/]+/, web);
  };
  return { folder, base, run, ingest, watch, end, record, link };
}

const dead = (statuses: readonly number[]) => statuses.every((status) => status === 403 || status === 404);
const ofGallery = (addresses: readonly string[]) => addresses.filter((address) => address.includes("/g/"));

describe("a gallery of this machine", () => {
  it("that is revoked beside the daemon opens for nobody by any address ever given, and again only under a new one", async (t) => {
    const { base, run, ingest, watch, end, record, link } = await library(t);
    await ingest();
    const originals = await hashesBelow(join(base, "originals"));
    const { daemon, web } = await watch();
    const old = ofGallery(
      await addressesIn(await link(web)).then((all) =>
        all.map((address) => address.replace(/^http:\/\/[^/]+/, web)),
      ),
    );
    assert.ok(old.length > 2 * PICTURES);
    const before = await statusesOf(old);
    assert.deepEqual(new Set(before), new Set([200]), old[before.findIndex((status) => status !== 200)]);

    const revoked = await run("revoke", "last");
    assert.deepEqual([revoked.code, revoked.err], [0, ""]);
    assert.match(
      revoked.out,
      /nobody can open the gallery of 0001-\w{4} \(EOS, 1 June 2026\) any more\. The originals are untouched/,
    );
    assert.ok(dead(await statusesOf(old)));
    const { slug } = await record();
    assert.deepEqual((await record()).revoked, [slug]);
    for (const [path, hash] of await hashesBelow(join(base, "originals")))
      if (!path.endsWith("session.json")) assert.equal(hash, originals.get(path));
    const refused = await run("link", "last");
    assert.deepEqual(
      [refused.code, /was revoked\. `ghostroll share SESSION --renew`/.test(refused.err)],
      [64, true],
    );
    assert.match((await run("sessions")).out, /revoked/);
    assert.match((await run("status", "--json")).out, /"revoked"/);

    const renewed = await link(web, "share", "last", "--renew");
    const now = ofGallery(
      await addressesIn(renewed).then((all) => all.map((address) => address.replace(/^http:\/\/[^/]+/, web))),
    );
    // Zips are made after everything else, and may not be there yet.
    const withoutZips = (addresses: readonly string[]) => addresses.filter((one) => !one.includes("/z/"));
    assert.equal(withoutZips(now).length, withoutZips(old).length);
    assert.ok(!renewed.includes(slug));
    assert.deepEqual(new Set(await statusesOf(now)), new Set([200]));
    assert.ok(dead(await statusesOf(old)), "what led to the old one stays dead");
    assert.notEqual((await record()).slug, slug);
    await end(daemon);
  });

  it("that is revoked stays so through every way of making it again", async (t) => {
    const { base, run, ingest, record } = await library(t);
    await ingest();
    const objects = async () =>
      [...(await hashesBelow(join(base, "store/objects"))).keys()].filter((path) => path.includes("/g/"));
    assert.ok((await objects()).length > 0);
    assert.equal((await run("revoke", "1")).code, 0);
    assert.deepEqual(await objects(), []);
    await ingest();
    assert.equal((await run("retry")).code, 0);
    assert.deepEqual(await objects(), []);
    for (const end of await readdir(base)) if (end.startsWith("ghostroll.db")) await rm(join(base, end));
    assert.equal((await run("rebuild")).code, 0);
    assert.equal((await run("retry")).code, 0);
    assert.deepEqual(await objects(), []);
    const { slug } = await record();
    assert.equal((await run("share", "1", "--renew")).code, 0);
    assert.ok((await objects()).length > 0);
    const after = await record();
    assert.deepEqual([after.revoked, after.slug === slug], [[slug], false]);
  });
});

describe("a gallery in a bucket", () => {
  const bucket = async (
    t: TestContext,
    through: (endpoint: string) => Promise<string> = async (to) => to,
  ) => {
    const server = await startFlakyS3(BUCKET);
    t.after(() => server.close());
    const env = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
    const settings = { S3_BUCKET: BUCKET, S3_ENDPOINT: await through(server.endpoint) };
    const left = () => [...server.objects.keys()].filter((key) => key.startsWith("ghostroll/g/"));
    return { server, left, ...(await library(t, settings, env)) };
  };

  it("whose revoking was killed is taken down by the next daemon, without a word from anybody", async (t) => {
    const { server, left, folder, base, ingest, watch, end, record } = await bucket(t);
    await ingest();
    const had = left().length;
    assert.ok(had > 2 * PICTURES);
    server.misbehave({ hole: 1 });
    const flags = ["BASE_DIR", base, "S3_BUCKET", BUCKET, "S3_ENDPOINT", server.endpoint].flatMap(
      (word, i, all) => (i % 2 === 0 ? ["--set", `${word}=${all[i + 1]}`] : []),
    );
    const run = start(["revoke", "last", ...flags], {
      cwd: folder,
      env: { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" },
    });
    await until("a request", () => server.dealt.hole > 0);
    run.child.kill("SIGKILL");
    await run.ended;
    assert.equal(left().length, had);
    server.misbehave({});
    const { daemon } = await watch();
    await until("the end of it", async () => left().length === 0 && (await record()).revoked?.length === 1);
    await end(daemon);
    assert.deepEqual(left(), []);
  });

  it("is revoked without a network too: that is said, and done when there is one", async (t) => {
    const { server, left, run, ingest } = await bucket(t);
    await ingest();
    server.misbehave({ busy: 1 });
    const offline = await run("revoke", "last");
    assert.equal(offline.code, 75, offline.out + offline.err);
    assert.match(offline.out, /not gone yet.*\n.*SlowDown.*\n.*by itself/);
    assert.ok(left().length > 0);
    server.misbehave({});
    assert.equal((await run("retry")).code, 0);
    assert.deepEqual(left(), []);
  });

  it("that is revoked while it is being filled gets nothing more", async (t) => {
    const { server, left, folder, run, watch, end } = await bucket(t);
    server.misbehave({ slow: 1 });
    const { daemon } = await watch();
    await rename(join(folder, "EOS"), join(folder, "media/EOS"));
    await until("pictures", () => left().length > 4);
    const revoked = await run("revoke", "last");
    assert.equal(revoked.code, 0, revoked.out + revoked.err);
    assert.deepEqual(left(), []);
    server.misbehave({});
    await until("the end of the card", () => daemon.out().includes("card taken in"));
    await end(daemon);
    await server.quiet();
    assert.deepEqual(left(), []);
    assert.doesNotMatch(daemon.out(), /"level":"error"/);
    assert.equal((await run("share", "last", "--renew")).code, 0);
    assert.equal(left().filter((key) => key.endsWith("-thumb.jpg")).length, PICTURES);
  });

  it("opens for nobody any more, and that is said, while something is still on its way there", async (t) => {
    const slow = Promise.withResolvers<void>();
    const { server, left, folder, run, watch, end } = await bucket(t, async (endpoint) => {
      const proxy = await startFaultProxy(endpoint);
      t.after(() => proxy.close());
      let pictures = 0;
      proxy.holdUp(async (method, path) => {
        if (method === "PUT" && path.includes("/p/") && ++pictures > 8) await slow.promise;
      });
      return proxy.endpoint;
    });
    const { daemon } = await watch();
    await rename(join(folder, "EOS"), join(folder, "media/EOS"));
    await until("pictures", () => left().length >= 8);
    const { code, out, err } = await run("revoke", "last");
    assert.deepEqual([code, err, left()], [0, "", []], out);
    assert.match(out, /^Revoked: nobody can open[^\n]*\n$/);
    assert.match(
      (await run("sessions", "--json")).out,
      /Revoked, but not gone yet: its gallery may still open/,
    );
    slow.resolve();
    await until("the end of it", async () =>
      (await run("sessions", "--json")).out.includes("Revoked: nobody can open"),
    );
    assert.deepEqual(left(), []);
    await end(daemon);
    await server.quiet();
    assert.deepEqual(left(), []);
  });
});

describe("the link of a gallery", () => {
  it("is sent to a number or address, once, with the outcome told", async (t) => {
    const { url, heard } = await provider(t, { status: 200 });
    const { run, ingest } = await library(t);
    await ingest();
    const sent = await run("link", "eos", "--text", `webhook:${url}/me`);
    assert.equal(sent.code, 0, sent.out + sent.err);
    assert.match(sent.out, /Sent to webhook at/);
    const [message, ...more] = heard.map(({ body }) => JSON.parse(body) as { message: string; link: string });
    assert.ok(message && more.length === 0);
    assert.equal(message.message, `EOS, 1 June 2026: here are the photos. ${message.link}`);
    assert.ok(sent.out.trimEnd().endsWith(message.link));
    for (const [words, pattern] of [
      ["someone", /--text takes a number/],
      ["twilio:+4917012345678", /needs all of GHOSTROLL_TWILIO_ACCOUNT_SID/],
    ] as const) {
      const { code, err } = await run("link", "last", "--text", words);
      assert.ok(code === 64 || code === 78);
      assert.match(err, pattern);
    }
    // The keys are another store's: Amazon would never take them, and is not to see them.
    for (const command of [["link"], ["share", "--renew"]]) {
      const asked = [...command, "last", "--text", "+4917012345678", "--set", `S3_ENDPOINT=${url}`];
      const { code, err } = await run(...asked);
      assert.equal(code, 78);
      assert.match(err, /sns:, which takes keys of Amazon's, but GHOSTROLL_S3_ENDPOINT is another store's/);
    }
  });

  it("is asked for by name, number, card or `last`; what nobody can mean is said with what to type", () => {
    const all = ["EOS_DIGITAL", "NIKON", "EOS_DIGITAL"].map((label, index) => past(index + 1, label));
    for (const [word, id] of [
      ["last", 3],
      ["2", 2],
      ["0002", 2],
      ["0003-00", 3],
      ["nik", 2],
      ["NIKON, 2 june", 2],
    ] as const)
      assert.equal(sessionCalled(word, all).id, id, word);
    const refusal = (word: string) => {
      try {
        return `${sessionCalled(word, all).name}`;
      } catch (error) {
        return (error as Error).message;
      }
    };
    assert.match(refusal("wedding"), /^There is no session "wedding"; `ghostroll sessions` lists them\.$/);
    assert.match(refusal("0001-0002"), /did you mean 0001-0001\?/);
    assert.match(
      refusal("eos"),
      /^"eos" could be 0001-0001 \(EOS_DIGITAL, 1 June 2026\), 0003-0003 .*: name one of them, or `last`\.$/,
    );
    assert.throws(() => sessionCalled("last", []), /No card was taken in yet/);
  });

  it("that cannot be given is refused with what to type instead", async (t) => {
    const { run } = await library(t);
    assert.match((await run("link")).err, /Say which session, as in `ghostroll link last`; /);
    assert.match((await run("share", "last")).err, /share last --renew` makes a new one/);
  });
});

const past = (id: number, label: string): PastSession => ({
  id: id as PastSession["id"],
  name: `${String(id).padStart(4, "0")}-${String(id).padStart(4, "0")}`,
  volume: "v" as PastSession["volume"],
  label,
  day: `2026-06-0${id}`,
  slug: "",
  sharing: null,
  isOffloaded: true,
  isPublished: true,
  waitsFor: null,
  linkEndsMs: null,
  isRevoked: false,
  isStanding: false,
});
