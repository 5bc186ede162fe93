import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import sharp from "sharp";
import type { Summary } from "../../src/app/summary.ts";
import type { TestBrowser } from "../support/browser.ts";
import { openBrowser, PHONE } from "../support/browser.ts";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow, sha256 } from "../support/invariants.ts";
import { lookInto } from "../support/look-into.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import type { S3Server } from "../support/s3-server.ts";
import { tempFolder } from "../support/temp.ts";

describe("all pictures as zips, in a real bucket", { skip: lacks("radosgw", "chromium", "unzip") }, () => {
  let server: S3Server;
  let browser: TestBrowser;
  let admin: S3;
  before(async () => {
    const [started, opened] = await Promise.all([startRadosgw(), openBrowser()]);
    assert.ok(started);
    [server, browser] = [started, opened];
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const credentials = { accessKeyId, secretAccessKey };
    admin = new S3({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  });
  after(async () => {
    admin?.destroy();
    await Promise.all([server?.stop(), browser?.close()]);
  });

  /** A library with a bucket of its own. */
  async function box(t: TestContext) {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const Bucket = `ghostroll-${randomUUID()}`;
    await admin.createBucket({ Bucket });
    const options = {
      env: {
        GHOSTROLL_BASE_DIR: base,
        GHOSTROLL_RESERVE_MB: "0",
        GHOSTROLL_S3_BUCKET: Bucket,
        GHOSTROLL_S3_ENDPOINT: server.endpoint,
        GHOSTROLL_S3_PREFIX_ROOT: "box",
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      },
    };
    return {
      folder,
      base,
      Bucket,
      start: (...args: string[]) => start(args, options),
      async ingest(card: string, code = 0): Promise<Summary> {
        const ended = await ghostroll(["ingest", card, "--json"], options);
        assert.equal(ended.code, code, ended.out + ended.err);
        return JSON.parse(ended.out) as Summary;
      },
      async keys(pattern = /./): Promise<string[]> {
        const { Contents = [] } = await admin.listObjectsV2({ Bucket });
        return Contents.map(({ Key = "" }) => Key).filter((key) => pattern.test(key));
      },
      /** Hashes of the pictures that guests open. */
      async shares(): Promise<string[]> {
        const all = await hashesBelow(join(base, "renditions"));
        return [...all]
          .filter(([path]) => path.endsWith("-share.jpg"))
          .map(([, hash]) => hash)
          .toSorted();
      },
    };
  }

  /** Names and hashes of what is in a zip, which `unzip` finds nothing wrong with. */
  async function unzipped(t: TestContext, file: string) {
    assert.match(execFileSync("unzip", ["-t", file], { encoding: "utf8" }), /No errors detected/);
    const out = await tempFolder(t);
    execFileSync("unzip", ["-q", file, "-d", out]);
    const files = await hashesBelow(out);
    return {
      names: [...files.keys()].map((path) => path.slice(out.length + 1)).toSorted(),
      hashes: [...files.values()].toSorted(),
    };
  }

  it("are one link that works without JavaScript, made once, and made again when a picture comes later", async (t) => {
    const { folder, ingest, keys, shares, start } = await box(t);
    const card = await pictureCard(join(folder, "EOS_DIGITAL"), 6);
    const late = join(card, "DCIM/100CANON/LATE.JPG");
    // Refused by name, so that the same session goes on when it is a picture.
    execFileSync("mkfifo", [late]);
    const { link, sessions } = await ingest(card, 3);
    assert.ok(link);

    const context = await browser.open({ ...PHONE, javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(link);
    const anchor = page.locator("a[download]");
    assert.match((await anchor.textContent()) ?? "", /^Download all \(6 photos, \d+ kB\)$/);
    const [download] = await Promise.all([page.waitForEvent("download"), anchor.click()]);
    assert.match(download.suggestedFilename(), /^EOS-DIGITAL-\d{4}-\d\d-\d\d\.zip$/);
    const file = join(folder, "saved.zip");
    await download.saveAs(file);
    const { names, hashes } = await unzipped(t, file);
    // Both cameras of the card, by the time of each picture.
    assert.deepEqual(names, [
      "0001_IMG_0001.jpg",
      "0002_IMG_0001.jpg",
      "0003_IMG_0002.jpg",
      "0004_IMG_0002.jpg",
      "0005_IMG_0003.jpg",
      "0006_IMG_0003.jpg",
    ]);
    assert.deepEqual(hashes, await shares());

    const address = (await anchor.getAttribute("href")) ?? "";
    const part = await fetch(address, { headers: { Range: "bytes=4-" } });
    assert.equal(part.status, 206, "a phone goes on where a download broke off");
    assert.equal(
      sha256(new Uint8Array(await part.arrayBuffer())),
      sha256((await readFile(file)).subarray(4)),
    );
    assert.equal((await fetch(address.split("?")[0] ?? "")).status, 403);

    const zips = await keys(/\/z\//);
    assert.equal(zips.length, 1);
    assert.equal((await ingest(card, 3)).puts, 0);
    assert.deepEqual(await keys(/\/z\//), zips);

    await rm(late);
    await writeFile(late, await picture(30));
    assert.equal((await ingest(card)).link, link);
    await page.goto(link);
    assert.match((await anchor.textContent()) ?? "", /^Download all \(7 photos, /);
    const [again] = await Promise.all([page.waitForEvent("download"), anchor.click()]);
    await again.saveAs(file);
    assert.deepEqual((await unzipped(t, file)).hashes, await shares());
    const now = await keys(/\/z\//);
    assert.equal(now.length, 1, "the one without the new picture is deleted");
    assert.notDeepEqual(now, zips);

    const open = (await anchor.getAttribute("href")) ?? "";
    assert.equal((await fetch(open)).status, 200);
    const [session = ""] = sessions;
    assert.equal((await start("revoke", session).ended).code, 0);
    assert.equal((await fetch(open)).status, 404, "it goes with its gallery");
    assert.deepEqual(await keys(/\/g\//), []);
    await context.close();
  });

  it("are completed by the next run after a SIGKILL while one is uploaded, and nothing is left over", async (t) => {
    const { folder, base, Bucket, ingest, keys, shares, start: begin } = await box(t);
    const files: Record<string, Uint8Array> = {};
    for (let n = 0; n < 14; n++) files[`DCIM/100CANON/IMG_${1000 + n}.JPG`] = await noise();
    const card = await makeCard(join(folder, "EOS"), files);
    const run = begin("ingest", card, "--json");
    await until(() => isBeingZipped(join(base, "ghostroll.db")));
    run.child.kill("SIGKILL");
    await run.ended;
    const interrupted = await keys(/\/z\//);
    const { link } = await ingest(card);
    t.diagnostic(`killed with ${interrupted.length} zips in the bucket`);

    const zips = await keys(/\/z\//);
    assert.equal(zips.length, 1);
    const { Body } = await admin.getObject({ Bucket, Key: zips[0] ?? "" });
    const file = join(folder, "got.zip");
    await writeFile(file, (await Body?.transformToByteArray()) ?? "");
    assert.deepEqual((await unzipped(t, file)).hashes, await shares());
    const page = await (await fetch(link ?? "")).text();
    assert.ok(page.includes(zips[0] ?? "never"), "the gallery links it");

    const catalog = lookInto(join(base, "ghostroll.db"));
    assert.ok(catalog);
    const claimed = catalog.prepare("SELECT 'box/' || key FROM object").pluck().all() as string[];
    catalog.close();
    assert.deepEqual((await keys()).toSorted(), claimed.toSorted());
    assert.deepEqual((await admin.listMultipartUploads({ Bucket })).Uploads ?? [], []);
    assert.equal((await ingest(card)).puts, 0);
  });
});

describe("GHOSTROLL_ZIPS", () => {
  it("turned off makes none; turned on, galleries that are made from then on have them", async (t) => {
    const folder = await tempFolder(t);
    const flags = ["--base-dir", join(folder, "library"), "--no-serve", "--json"];
    const ingest = async (name: string, first: number, ...set: string[]) => {
      const card = await makeCard(join(folder, name), {
        "DCIM/1.JPG": await picture(first),
        "DCIM/2.JPG": await picture(first + 1),
      });
      const ended = await ghostroll(["ingest", card, ...flags, ...set]);
      assert.equal(ended.code, 0, ended.err + ended.out);
      return zipsOf(join(folder, "library/ghostroll.db"));
    };
    assert.deepEqual(await ingest("one", 0, "--set", "ZIPS=off"), [0]);
    assert.deepEqual(await ingest("two", 10), [0, 1]);
  });
});

/** How many zips each session has. */
function zipsOf(file: string): number[] {
  const catalog = lookInto(file);
  assert.ok(catalog);
  try {
    const count =
      "SELECT (SELECT count(*) FROM object WHERE key LIKE 'g/' || slug || '/z/%') FROM session ORDER BY id";
    return catalog.prepare(count).pluck().all() as number[];
  } finally {
    catalog.close();
  }
}

/** Whether a zip is on its way: claimed, and not yet recorded as being there. */
function isBeingZipped(file: string): boolean {
  const catalog = lookInto(file);
  try {
    return catalog?.prepare("SELECT 1 FROM zip").get() !== undefined;
  } catch {
    // The tables are being made.
    return false;
  } finally {
    catalog?.close();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 60_000; performance.now() < endMs; await delay(2))
    if (isSo()) return;
  assert.fail("no zip was begun within a minute");
}

/** A picture of 2 MB that cannot be made smaller: a zip of some takes a moment to upload. */
async function noise(): Promise<Buffer> {
  const [width, height, channels] = [1200, 900, 3] as const;
  return sharp(randomBytes(width * height * channels), { raw: { width, height, channels } })
    .jpeg({ quality: 95 })
    .toBuffer();
}
