import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import type { Summary } from "../../src/app/summary.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import type { TestBrowser } from "../support/browser.ts";
import { openBrowser } from "../support/browser.ts";
import { pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow, sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const corpus = join(import.meta.dirname, "../../../shared/corpus/jpeg");
const never = new AbortController().signal;

/** Opens a gallery as a guest would, and collects everything that goes wrong in the page. */
async function visit(
  browser: TestBrowser,
  link: string,
): Promise<{ page: Page; wrongs: string[]; close(): Promise<void> }> {
  const context = await browser.open({ viewport: { width: 1000, height: 800 } });
  const page = await context.newPage();
  const wrongs: string[] = [];
  page.on("pageerror", (error) => wrongs.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrongs.push(message.text()));
  page.on(
    "response",
    (response) => response.status() >= 400 && wrongs.push(`${response.status()} ${response.url()}`),
  );
  await page.goto(link);
  return { page, wrongs, close: () => context.close() };
}

const shownPictures = (page: Page): Promise<number> =>
  page.evaluate(`[...document.images].filter((image) => image.complete && image.naturalWidth > 0).length`);

async function keptBelow(folder: string): Promise<number> {
  return [...(await hashesBelow(join(folder, "library/originals"))).keys()].filter((path) =>
    path.endsWith(".JPG"),
  ).length;
}

async function eventually(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  withinMs = 30_000,
): Promise<void> {
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(50))
    if (await isSo()) return;
  assert.fail(`${what} did not come true within ${withinMs} ms`);
}

/** Opens the lightbox with the keyboard alone, goes on one picture, and closes it. */
async function useLightbox(page: Page): Promise<void> {
  const dialog = page.getByRole("dialog");
  await page.locator("a:has(img)").first().focus();
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  const large = (): Promise<boolean> =>
    page.evaluate(`[...document.querySelectorAll(".pswp__img")].some((image) => image.naturalWidth >= 600)`);
  await eventually("a large picture in the lightbox", large);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

describe("a gallery on this machine", { skip: lacks("chromium") }, () => {
  it("opens from the printed link in a real browser while the rest is still on its way", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 40);
    const browser = await openBrowser();
    t.after(() => browser.close());
    const run = start([
      "ingest",
      card,
      "--base-dir",
      join(folder, "library"),
      "--serve",
      "--set",
      "WEB_PORT=0",
    ]);
    t.after(() => void run.child.kill("SIGKILL"));
    let link = "";
    await eventually("a printed link", () => {
      link = /http:\/\/127\.0\.0\.1:\d+\/o\/g\/\S+/.exec(run.out())?.[0] ?? "";
      return link !== "";
    });
    const { page, wrongs } = await visit(browser, link);
    await eventually("pictures on the page", async () => (await shownPictures(page)) > 0);
    await eventually(
      "the whole card",
      async () => (await page.textContent("body"))?.includes("40 photos") ?? false,
    );
    await useLightbox(page);
    assert.deepEqual(wrongs, []);
    run.child.kill("SIGINT");
    assert.equal((await run.ended).code, 0);
  });
});

describe("a gallery in a bucket of a real S3 server", { skip: lacks("radosgw", "chromium") }, () => {
  let server: Awaited<ReturnType<typeof startRadosgw>> = null;
  before(async () => {
    server = await startRadosgw();
  });
  after(() => server?.stop());

  /** The environment of a user with that bucket; the bucket is there. */
  async function bucket(name: string, secret?: string): Promise<Record<string, string>> {
    assert.ok(server);
    const { S3 } = await import("@aws-sdk/client-s3");
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
    const client = new S3({
      endpoint: server.endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials,
    });
    if (secret === undefined) await client.createBucket({ Bucket: name });
    client.destroy();
    return {
      GHOSTROLL_S3_BUCKET: name,
      GHOSTROLL_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: secret ?? server.secretAccessKey,
    };
  }

  it("holds exactly what was made, opens only by its signed link, and is put once", async (t) => {
    const folder = await tempFolder(t);
    const source = existsSync(corpus) ? corpus : await pictureCard(join(folder, "card"), 20);
    const base = join(folder, "library");
    const env = { GHOSTROLL_BASE_DIR: base, ...(await bucket("corpus")) };
    const first = await ghostroll(["ingest", source, "--json"], { env });
    const summary = JSON.parse(first.out) as Summary;
    assert.equal(summary.undelivered, null, first.err);
    assert.ok(summary.link);

    const renditions = await hashesBelow(join(base, "renditions"));
    const { endpoint = "", accessKeyId = "", secretAccessKey = "" } = server ?? {};
    const store = await openS3Store({
      bucket: "corpus",
      prefix: "ghostroll",
      region: "us-east-1",
      endpoint,
      forcePathStyle: true,
      linkSeconds: 3600,
      credentials: { accessKeyId, secretAccessKey },
    });
    let compared = 0;
    for await (const key of store.list("", never)) {
      assert.equal(
        (await fetch(`${endpoint}/corpus/ghostroll/${key}`)).status,
        403,
        `${key} opens without a signature`,
      );
      const name = /\/p\/([^/]+)$/.exec(key)?.[1];
      if (name === undefined) continue;
      const path = join(base, "renditions", name.slice(0, 2), name);
      assert.equal(sha256((await store.get(key, never)) ?? Buffer.alloc(0)), sha256(readFileSync(path)), key);
      compared++;
    }
    assert.equal(compared, renditions.size);
    await store.close();

    const browser = await openBrowser();
    t.after(() => browser.close());
    const { page, wrongs } = await visit(browser, summary.link);
    await eventually("pictures on the page", async () => (await shownPictures(page)) > 5);
    await useLightbox(page);
    assert.deepEqual(wrongs, []);

    const again = JSON.parse(
      (await ghostroll(["ingest", source, "--json", "--rescan", "stat"], { env })).out,
    ) as Summary;
    assert.deepEqual([again.bytesRead, again.puts, again.link], [0, 0, summary.link]);
    t.diagnostic(`${compared} renditions byte-equal, ${summary.puts} objects put in all`);
  });

  it("that is missing is said in one sentence, and the originals are kept", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 2);
    const env = {
      ...(await bucket("there")),
      GHOSTROLL_BASE_DIR: join(folder, "library"),
      GHOSTROLL_S3_BUCKET: "not-there",
    };
    const { code, out, err } = await ghostroll(["ingest", card], { env });
    assert.equal(code, 78, out + err);
    assert.match(out, /not-there/);
    assert.match(out, /Create the bucket or correct GHOSTROLL_S3_BUCKET/);
    assert.match(out, /originals are kept/);
    assert.doesNotMatch(out + err, /\n\s+at /);
    assert.equal(await keptBelow(folder), 2);
    const moved = await ghostroll(["ingest", card], { env: { ...env, GHOSTROLL_S3_BUCKET: "there" } });
    assert.equal(moved.code, 0, moved.out + moved.err);
  });

  it("whose keys are wrong says so without showing them, and the originals are kept", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 2);
    const secret = "a-wrong-secret-that-must-not-show";
    const env = { ...(await bucket("keys", secret)), GHOSTROLL_BASE_DIR: join(folder, "library") };
    const { code, out, err } = await ghostroll(["ingest", card], { env });
    assert.equal(code, 78, out + err);
    assert.match(out, /access keys/);
    assert.doesNotMatch(out + err, /a-wrong-secret|\n\s+at /);
    assert.equal(await keptBelow(folder), 2);
  });
});
