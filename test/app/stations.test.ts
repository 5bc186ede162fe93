import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { S3 } from "@aws-sdk/client-s3";
import type { Summary } from "../../src/app/summary.ts";
import { keys } from "../../src/domain/layout.ts";
import type { Chunk, Index } from "../../src/gallery/format.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import type { TestBrowser } from "../support/browser.ts";
import { DESKTOP, openBrowser } from "../support/browser.ts";
import { makeCard, picture } from "../support/card.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { openGallery } from "../support/gallery-page.ts";
import type { Ended, Running } from "../support/ghostroll.ts";
import { start } from "../support/ghostroll.ts";
import { sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { pagesPolicy } from "../support/public-pages.ts";
import { startRadosgw } from "../support/radosgw.ts";
import type { S3Server } from "../support/s3-server.ts";
import { freePorts } from "../support/s3-server.ts";
import { tempFolder } from "../support/temp.ts";

const PREFIX = "ghostroll";
const GALLERY = "Anna & Ben";
/** Each is three processes from start to end. */
const ROUNDS = process.env["GHOSTROLL_LONG"] ? 20 : 3;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe("three stations that fill one gallery in one bucket", { skip: lacks("radosgw", "chromium") }, () => {
  let server: S3Server;
  let browser: TestBrowser;
  let admin: S3;
  before(async () => {
    const [started, opened] = await Promise.all([startRadosgw(), openBrowser()]);
    assert.ok(started);
    [server, browser] = [started, opened];
    const { endpoint, accessKeyId, secretAccessKey } = server;
    admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
  });
  after(async () => {
    admin?.destroy();
    await Promise.all([server?.stop(), browser?.close()]);
  });

  /** One bucket, boxes that are all called alike, and what one can see of their gallery from outside. */
  async function party(t: TestContext) {
    const folder = await tempFolder(t);
    const Bucket = `party-${randomUUID()}`;
    await admin.createBucket({ Bucket });
    const keysIn = async () =>
      ((await admin.listObjectsV2({ Bucket })).Contents ?? []).map(({ Key = "" }) => Key);
    const read = async (Key: string): Promise<Buffer> => {
      const { Body } = await admin.getObject({ Bucket, Key });
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    };
    const json = async <Content>(Key: string) =>
      JSON.parse(gunzipSync(await read(Key)).toString()) as Content;
    const photos = new Map<string, number>();
    const env = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };
    const flagsOf = (station: string) =>
      Object.entries({
        BASE_DIR: join(folder, `library ${station}`),
        RESERVE_MB: "0",
        S3_BUCKET: Bucket,
        S3_ENDPOINT: server.endpoint,
        S3_PREFIX_ROOT: PREFIX,
        STATION: "raspberrypi",
        PROCESS_WORKERS: "1",
        UPLOAD_ORIGINALS: "all",
      }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

    return {
      keysIn,
      /** A card with these pictures, each a minute after the one before; the same number is the same file. */
      async card(name: string, numbers: readonly number[]): Promise<string> {
        const files: Record<string, Uint8Array> = {};
        for (const number of numbers) {
          const bytes = await picture(number);
          photos.set(sha256(bytes), number);
          files[`DCIM/100EOS/IMG_${String(number).padStart(4, "0")}.JPG`] = bytes;
        }
        return makeCard(join(folder, name), files);
      },
      Bucket,
      ingest(station: string, card: string, gallery: string, ...more: string[]): Running {
        const flags = [...flagsOf(station), ...more];
        const run = start(["ingest", card, "--gallery", gallery, "--json", ...flags], { env });
        t.after(() => void run.child.kill("SIGKILL"));
        return run;
      },
      /** Any other command of a station. */
      command: (station: string, ...words: string[]) => start([...words, ...flagsOf(station)], { env }),
      folderOf: (station: string) => join(folder, `library ${station}`),
      /** Content hashes that the originals in the bucket are called by; each object is what its name says. */
      async originals(): Promise<string[]> {
        const originals = (await keysIn()).filter((key) => key.startsWith(`${PREFIX}/originals/`));
        for (const key of originals) assert.ok(key.includes(sha256(await read(key))), key);
        return originals.map((key) => /[0-9a-f]{64}/.exec(key)?.[0] ?? key);
      },
      hashesOf: (numbers: readonly number[]) =>
        numbers.map((number) => [...photos].find(([, other]) => other === number)?.[0] ?? ""),
      /** What the index says, and the number of the picture at each of its places. */
      async shown(link: string): Promise<{ index: Index; numbers: number[] }> {
        const slug = /\/g\/([\w-]{22})/.exec(link)?.[1] ?? "";
        const at = `${PREFIX}/g/${slug}`;
        const index = await json<Index>(`${at}/i.json`);
        const chunks = await Promise.all(
          index.chunks.map((_, number) => json<Chunk>(`${at}/${index.folder}${number}.json`)),
        );
        for (const [number, { version }] of chunks.entries())
          assert.equal(version, index.chunks[number]?.[0]);
        return {
          index,
          numbers: chunks.flatMap(({ entries }) => entries.map(([hash]) => photos.get(hash) ?? -1)),
        };
      },
    };
  }

  async function eventually(what: string, isSo: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
    for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(50))
      if (await isSo()) return;
    assert.fail(`${what} did not come true within ${withinMs} ms`);
  }

  it("show every photo once and in order, though one was killed midway, and what one adds later", async (t) => {
    const { card, ingest, shown, keysIn, originals, hashesOf } = await party(t);
    const cards = [
      await card("a", range(0, 24)),
      await card("b", range(12, 36)),
      await card("c", range(24, 60)),
    ];
    const [first, second, third] = ["a", "b", "c"].map((station, index) =>
      ingest(station, cards[index] ?? "", GALLERY),
    );
    assert.ok(first && second && third);
    await eventually(
      "a part of the third station",
      async () =>
        third.child.exitCode !== null ||
        (await keysIn()).filter((key) => key.endsWith("/part.json")).length === 3,
    );
    const wasKilled = third.child.kill("SIGKILL");
    const ended = [await summaryOf(first), await summaryOf(second)];
    const link = ended[0]?.link ?? "";
    const before = await shown(link);
    assert.deepEqual(
      before.numbers.filter((number) => number < 36),
      range(0, 36),
    );

    const context = await browser.open(DESKTOP);
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    const again = await summaryOf(ingest("c", cards[2] ?? "", "  anna &  ben "));
    for (const { link: other, undelivered } of [...ended, again])
      assert.deepEqual([other, undelivered], [link, null]);
    const whole = await shown(link);
    assert.deepEqual(whole.numbers, range(0, 60));
    assert.deepEqual(
      [whole.index.state, whole.index.count, whole.index.shown],
      ["complete", 60, "60 photos"],
    );
    if (before.index.state === "uploading")
      await eventually(
        "the rest in the open page",
        async () => (await page.textContent("#count")) === "60 photos",
      );

    await summaryOf(ingest("a", await card("d", range(60, 64)), GALLERY));
    assert.deepEqual((await shown(link)).numbers, range(0, 64));
    await page.reload();
    await settled();
    assert.equal(await page.textContent("#count"), "64 photos");
    await until("countOf('#wall [data-i], .hero') >= 20");
    assert.deepEqual(problems, []);
    const order = await page.evaluate<string[]>(
      `[...document.querySelectorAll("[data-i]")].sort((a, b) => a.dataset.i - b.dataset.i).map(({ href }) => /([0-9a-f]{64})-share/.exec(href)[1])`,
    );
    const union = hashesOf(range(0, 64));
    assert.deepEqual(order, union.slice(0, order.length));
    const kept = await originals();
    assert.deepEqual(kept.toSorted(), union.toSorted(), "the union of the originals, each once");
    assert.ok(wasKilled);
    t.diagnostic(
      `killed with ${before.index.count} of 60 photos shown; of 88 files on four cards ${kept.length} originals stored, and on the screen ${order.length} of 64 photos, each once`,
    );
    await context.close();
  });

  it("lose nothing of each other, however often all begin at once", async (t) => {
    const { card, ingest, shown } = await party(t);
    const numbers = [range(0, 6), range(3, 9), range(6, 12)];
    const cards = await Promise.all(numbers.map(async (some, index) => card(`card ${index}`, some)));
    for (let round = 0; round < ROUNDS; round++) {
      const runs = cards.map((one, index) => ingest(`${round} ${index}`, one, `race ${round}`));
      const links = (await Promise.all(runs.map(summaryOf))).map(({ link }) => link ?? "");
      assert.equal(new Set(links).size, 1, "one link for all");
      const { index, numbers: order } = await shown(links[0] ?? "");
      assert.deepEqual(
        [order, index.state, index.shown],
        [range(0, 12), "complete", "12 photos"],
        `round ${round}`,
      );
    }
    t.diagnostic(`${ROUNDS} times three stations at once: 12 of 12 photos in order each time`);
  });

  it("share one short link in mode capability, whose pages need no signature", async (t) => {
    const { card, ingest, Bucket } = await party(t);
    await admin.putBucketPolicy({ Bucket, Policy: pagesPolicy(Bucket, PREFIX) });
    const mode = ["--set", "SHARE=capability"];
    const [first, second] = await Promise.all([
      summaryOf(ingest("a", await card("a", range(0, 4)), GALLERY, ...mode)),
      summaryOf(ingest("b", await card("b", range(2, 6)), GALLERY, ...mode)),
    ]);
    assert.match(first.link ?? "", /\/g\/[\w-]{22}\/v$/);
    assert.equal(second.link, first.link);
    const context = await browser.open(DESKTOP);
    const { page, problems, settled } = await openGallery(context, first.link ?? "");
    await settled();
    assert.equal(await page.textContent("#count"), "6 photos");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("part from a gallery that one of them revokes just when another is about to put its index", async (t) => {
    const { card, ingest, command, keysIn, shown } = await party(t);
    const first = await summaryOf(ingest("a", await card("a", range(0, 4)), GALLERY));
    const slug = /\/g\/([\w-]{22})/.exec(first.link ?? "")?.[1] ?? "";
    const proxy = await startFaultProxy(server.endpoint);
    t.after(() => proxy.close());
    let revoked = null as Ended | null;
    proxy.holdUp(async (method, path) => {
      if (revoked !== null || method !== "PUT" || !path.endsWith(`${slug}/i.json`)) return;
      revoked = await command("a", "revoke", "last").ended;
      assert.equal((await fetch(first.link ?? "")).status, 404);
    });
    const cardOfB = await card("b", range(2, 6));
    const through = ["--set", `S3_ENDPOINT=${proxy.endpoint}`];
    const overtaken = await ingest("b", cardOfB, GALLERY, ...through).ended;
    const { code, out, err } = revoked ?? assert.fail("it was never about to put its index");
    assert.equal(code, 0, out + err);
    const { link, undelivered } = JSON.parse(overtaken.out) as Summary;
    assert.deepEqual([overtaken.code, link, undelivered?.code], [75, null, "gallery-gone"], overtaken.out);
    const left = async () => (await keysIn()).filter((key) => key.includes(slug));
    assert.deepEqual([(await fetch(first.link ?? "")).status, await left()], [404, []]);

    const again = await summaryOf(ingest("b", cardOfB, GALLERY, ...through));
    assert.ok(again.link !== null && again.link !== first.link);
    assert.deepEqual((await shown(again.link)).numbers, range(2, 6));
    assert.deepEqual([(await fetch(first.link ?? "")).status, await left()], [404, []]);
  });

  it("keep their place when a catalog is lost, and part from a gallery that one of them revokes", async (t) => {
    const { card, ingest, command, folderOf, shown } = await party(t);
    const first = await summaryOf(ingest("a", await card("a", range(0, 4)), GALLERY));
    const second = await summaryOf(ingest("b", await card("b", range(2, 6)), GALLERY));
    assert.equal(second.link, first.link);

    for (const end of ["", "-wal", "-shm"])
      await rm(join(folderOf("b"), `ghostroll.db${end}`), { force: true });
    const rebuilt = await command("b", "rebuild", "--json").ended;
    assert.equal(rebuilt.code, 0, rebuilt.out + rebuilt.err);
    const again = await summaryOf(ingest("b", await card("more", range(6, 8)), GALLERY));
    assert.equal(again.link, first.link);
    const { index, numbers } = await shown(first.link ?? "");
    assert.deepEqual([numbers, index.stations?.length], [range(0, 8), 2]);

    const revoked = await command("a", "revoke", "last").ended;
    assert.equal(revoked.code, 0, revoked.out + revoked.err);
    assert.equal((await fetch(first.link ?? "")).status, 404);
    const after = await summaryOf(ingest("b", await card("later", range(8, 10)), GALLERY));
    assert.ok(after.link && after.link !== first.link);
    assert.equal((await fetch(first.link ?? "")).status, 404);
    assert.deepEqual((await shown(after.link)).numbers, range(8, 10));
  });

  it("give out no link of a gallery that another one has revoked, and a new one when asked for that", async (t) => {
    const { card, ingest, command, shown } = await party(t);
    const first = await summaryOf(ingest("a", await card("a", range(0, 2)), GALLERY));
    await summaryOf(ingest("b", await card("b", range(2, 4)), GALLERY));
    const revoked = await command("a", "revoke", "last").ended;
    assert.equal(revoked.code, 0, revoked.out + revoked.err);
    const refused = await command("b", "link", "last").ended;
    assert.deepEqual([refused.code, refused.out], [64, ""]);
    assert.match(
      refused.err,
      /revoked by another station\. `ghostroll share SESSION --renew` opens it again/,
    );
    const renewed = await command("b", "share", "last", "--renew").ended;
    assert.equal(renewed.code, 0, renewed.out + renewed.err);
    const link = /^http.*$/m.exec(renewed.out)?.[0] ?? "";
    assert.deepEqual([(await fetch(link)).status, (await fetch(first.link ?? "")).status], [200, 404]);
    assert.deepEqual((await shown(link)).numbers, range(2, 4));
  });
});

describe("one box without a bucket", () => {
  it("fills one gallery from several cards", async (t) => {
    const folder = await tempFolder(t);
    const links: (string | null)[] = [];
    const [port] = await freePorts(1);
    for (const [name, numbers] of [
      ["one", [3, 1]],
      ["two", [2, 0]],
    ] as const) {
      const files: Record<string, Uint8Array> = {};
      for (const number of numbers) files[`DCIM/${number}.JPG`] = await picture(number);
      const card = await makeCard(join(folder, name), files);
      const set = [
        "--set",
        `BASE_DIR=${join(folder, "library")}`,
        "--set",
        "RESERVE_MB=0",
        "--set",
        `WEB_PORT=${port}`,
      ];
      const run = start(["ingest", card, "--gallery", GALLERY, "--no-serve", "--json", ...set]);
      links.push((await summaryOf(run)).link);
    }
    const [slug = "", ...others] = links.map((link) => /\/g\/([\w-]{22})/.exec(link ?? "")?.[1]);
    assert.deepEqual(others, [slug]);
    const library = join(folder, "library");
    const store = await openDirectoryStore({
      root: join(library, "store"),
      secretFile: join(library, "link-secret"),
      baseUrl: "http://localhost/o/",
      linkSeconds: 604_800,
    });
    const bytes = await store.get(keys.index(slug), new AbortController().signal);
    const index = JSON.parse(gunzipSync(bytes ?? new Uint8Array()).toString()) as Index;
    assert.deepEqual([index.count, index.state, index.stations?.length], [4, "complete", 1]);
  });
});

async function summaryOf(run: Running): Promise<Summary> {
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, out + err);
  return JSON.parse(out) as Summary;
}
