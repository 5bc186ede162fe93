import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { S3 } from "@aws-sdk/client-s3";
import type { Summary } from "../../src/app/summary.ts";
import type { Chunk, Index } from "../../src/gallery/format.ts";
import type { TestBrowser } from "../support/browser.ts";
import { DESKTOP, openBrowser } from "../support/browser.ts";
import { makeCard, picture } from "../support/card.ts";
import { openGallery } from "../support/gallery-page.ts";
import type { Running } from "../support/ghostroll.ts";
import { start } from "../support/ghostroll.ts";
import { sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import type { S3Server } from "../support/s3-server.ts";
import { tempFolder } from "../support/temp.ts";

const PREFIX = "ghostroll";
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
    admin = new S3({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }); // biome-ignore format: one line
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
      ingest(
        station: string,
        card: string,
        gallery: string,
        more: Readonly<Record<string, string>> = {},
      ): Running {
        const flags = Object.entries({
          BASE_DIR: join(folder, `library ${station}`),
          RESERVE_MB: "0",
          S3_BUCKET: Bucket,
          S3_ENDPOINT: server.endpoint,
          S3_PREFIX_ROOT: PREFIX,
          STATION: "raspberrypi",
          PROCESS_WORKERS: "1",
          ...more,
        }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
        const env = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };
        const run = start(["ingest", card, "--gallery", gallery, "--json", ...flags], { env });
        t.after(() => void run.child.kill("SIGKILL"));
        return run;
      },
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

  async function summaryOf(run: Running): Promise<Summary> {
    const { code, out, err } = await run.ended;
    assert.equal(code, 0, out + err);
    return JSON.parse(out) as Summary;
  }

  async function eventually(what: string, isSo: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
    for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(50))
      if (await isSo()) return;
    assert.fail(`${what} did not come true within ${withinMs} ms`);
  }

  it("show every photo once and in order, though one was killed midway, and what one adds later", async (t) => {
    const { card, ingest, shown, keysIn } = await party(t);
    const cards = [
      await card("a", range(0, 24)),
      await card("b", range(12, 36)),
      await card("c", range(24, 60)),
    ];
    const [first, second, third] = ["a", "b", "c"].map((station, index) =>
      ingest(station, cards[index] ?? "", "Anna & Ben"),
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
    assert.deepEqual([whole.index.state, whole.index.count, whole.index.expected], ["complete", 60, 60]);
    if (before.index.state === "uploading")
      await eventually(
        "the rest in the open page",
        async () => (await page.textContent("#count")) === "60 photos",
      );

    await summaryOf(ingest("a", await card("d", range(60, 64)), "Anna & Ben"));
    assert.deepEqual((await shown(link)).numbers, range(0, 64));
    await page.reload();
    await settled();
    assert.equal(await page.textContent("#count"), "64 photos");
    await until("countOf('#wall [data-i], .hero') >= 20");
    assert.deepEqual(problems, []);
    const renditions = (await keysIn()).filter((key) => /\/p\/\w+-share\.jpg$/.test(key));
    assert.equal(renditions.length, 64);
    assert.ok(wasKilled);
    t.diagnostic(
      `killed with ${before.index.count} of 60 photos shown; 84 files on three cards, ${renditions.length} photos, each once`,
    );
    await context.close();
  });
});
