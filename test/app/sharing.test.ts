import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import type { Summary } from "../../src/app/summary.ts";
import type { TestBrowser } from "../support/browser.ts";
import { openBrowser, PHONE } from "../support/browser.ts";
import { pictureCard } from "../support/card.ts";
import { addressesIn, statusesOf } from "../support/crawl.ts";
import { openGallery } from "../support/gallery-page.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { lacks } from "../support/needs.ts";
import { pagesPolicy } from "../support/public-pages.ts";
import { startRadosgw } from "../support/radosgw.ts";
import type { S3Server } from "../support/s3-server.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 30;
const FOLDER = "box";

describe("a gallery in a real bucket", { skip: lacks("radosgw", "chromium") }, () => {
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

  const bucket = async () => {
    const Bucket = `ghostroll-${randomUUID()}`;
    await admin.createBucket({ Bucket });
    return Bucket;
  };
  const run = async (args: readonly string[], folder: string, settings: Readonly<Record<string, string>>) => {
    const { accessKeyId, secretAccessKey, endpoint } = server;
    const flags = Object.entries({
      BASE_DIR: join(folder, "library"),
      RESERVE_MB: "0",
      S3_ENDPOINT: endpoint,
      S3_PREFIX_ROOT: FOLDER,
      ...settings,
    }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    return ghostroll([...args, ...flags], { env });
  };
  const ingest = async (folder: string, settings: Readonly<Record<string, string>>): Promise<string> => {
    const card = await pictureCard(join(folder, "EOS"), PICTURES);
    const { code, out, err } = await run(["ingest", card, "--json"], folder, settings);
    assert.equal(code, 0, err + out);
    return (JSON.parse(out) as Summary).link ?? "";
  };
  const keysIn = async (Bucket: string) =>
    ((await admin.listObjectsV2({ Bucket })).Contents ?? []).map(({ Key = "" }) => Key);

  /** Opens it as a guest, scrolls, looks at a picture; returns the addresses of all that was loaded. */
  const visit = async (link: string): Promise<string[]> => {
    const context = await browser.open(PHONE);
    const { page, problems, settled, until } = await openGallery(context, link);
    const asked: string[] = [];
    page.on("response", (response) => asked.push(response.url()));
    await page.reload();
    await settled();
    assert.equal(await page.textContent("#count"), `${PICTURES} photos`);
    await page.locator("a[data-i='1']").click();
    await until("countOf('.pswp--open') === 1");
    await until("countOf('.pswp__img') > 0");
    assert.deepEqual(problems, []);
    await context.close();
    return asked;
  };
  const isPicture = (url: string) => /\/p\/\w+-(share|thumb)\.jpg/.test(url);

  it("opens from the bare address in mode capability, and its pictures only by signed links", async (t) => {
    const Bucket = await bucket();
    await admin.putBucketPolicy({ Bucket, Policy: pagesPolicy(Bucket, FOLDER) });
    const link = await ingest(await tempFolder(t), { S3_BUCKET: Bucket, SHARE: "capability" });
    assert.match(link, new RegExp(`^${server.endpoint}/${Bucket}/${FOLDER}/g/[\\w-]{22}/v$`));
    t.diagnostic(
      `the link has ${link.length - server.endpoint.length - Bucket.length - FOLDER.length - 2} characters after its folder`,
    );

    const asked = await visit(link);
    const pictures = asked.filter(isPicture);
    assert.ok(pictures.length > 10);
    for (const url of pictures) assert.match(url, /X-Amz-Signature=[0-9a-f]{64}/);
    for (const url of asked.filter((other) => !isPicture(other) && !other.startsWith("data:")))
      assert.doesNotMatch(url, /\?/, "pages are addresses alone");
    const html = await (await fetch(link)).text();
    const preview = /property="og:image" content="([^"]*)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const shown = await fetch(preview);
    assert.deepEqual([shown.status, shown.headers.get("content-type")], [200, "image/jpeg"]);
    assert.ok((await shown.arrayBuffer()).byteLength < 300_000);
    const [picture = ""] = pictures;
    assert.equal((await fetch(picture.split("?")[0] ?? "")).status, 403, "a picture without its signature");
    for (const key of await keysIn(Bucket)) {
      const { status } = await fetch(`${server.endpoint}/${Bucket}/${key}`);
      assert.equal(status, /\.(jpg|zip)$/.test(key) ? 403 : 200, key);
    }
    await admin.putObject({ Bucket, Key: `${FOLDER}/originals/a.cr3`, Body: "original" });
    for (const path of [`${Bucket}/${FOLDER}/originals/a.cr3`, Bucket])
      assert.equal((await fetch(`${server.endpoint}/${path}`)).status, 403, path);
  });

  it("that is revoked opens by no address ever given, signed or not, from that moment on", async (t) => {
    for (const mode of ["presigned", "capability"]) {
      const Bucket = await bucket();
      if (mode === "capability") await admin.putBucketPolicy({ Bucket, Policy: pagesPolicy(Bucket, FOLDER) });
      const folder = await tempFolder(t);
      const settings = { S3_BUCKET: Bucket, SHARE: mode };
      const link = await ingest(folder, settings);
      const given = (await addressesIn(link)).filter((address) => address.includes("/g/"));
      assert.ok(given.length > 2 * PICTURES);
      assert.deepEqual(new Set(await statusesOf(given)), new Set([200]), mode);
      const { code, out, err } = await run(["revoke", "last"], folder, settings);
      assert.equal(code, 0, out + err);
      const statuses = await statusesOf(given);
      assert.ok(
        statuses.every((status) => status === 404 || status === 403),
        `${mode}: ${statuses.join()}`,
      );
      assert.deepEqual(
        (await keysIn(Bucket)).filter((key) => key.includes("/g/")),
        [],
      );
      t.diagnostic(`${mode}: ${given.length} addresses, none opens`);
    }
  });

  it("opens from a second bucket that holds pages alone, while the first refuses everybody", async (t) => {
    const [pictures, pages] = [await bucket(), await bucket()];
    await admin.putBucketPolicy({ Bucket: pages, Policy: pagesPolicy(pages, FOLDER) });
    const link = await ingest(await tempFolder(t), {
      S3_BUCKET: pictures,
      SHARE: "capability",
      SHARE_BUCKET: pages,
    });
    assert.ok(link.startsWith(`${server.endpoint}/${pages}/`));
    const asked = await visit(link);
    for (const url of asked.filter(isPicture)) assert.ok(url.startsWith(`${server.endpoint}/${pictures}/`));
    assert.ok((await keysIn(pages)).every((key) => !/\/[pz]\//.test(key)));
    for (const key of await keysIn(pictures)) {
      assert.match(key, /\.(jpg|zip)$/);
      assert.equal((await fetch(`${server.endpoint}/${pictures}/${key}`)).status, 403);
    }
  });

  it("opens under another address without any signature in mode cdn, once something lets guests in", async (t) => {
    const Bucket = await bucket();
    const Policy = pagesPolicy(Bucket, FOLDER).replace(
      /"arn:[^"]*\/n\/\*"/,
      (pages) => `${pages}, ${pages.replace("/n/*", "/p/*")}, ${pages.replace("/n/*", "/og-*")}`,
    );
    await admin.putBucketPolicy({ Bucket, Policy });
    // As a content network would, another host name leads to the same objects.
    const address = `${server.endpoint.replace("127.0.0.1", "localhost")}/${Bucket}/${FOLDER}`;
    const link = await ingest(await tempFolder(t), { S3_BUCKET: Bucket, SHARE: "cdn", SHARE_URL: address });
    assert.ok(link.startsWith(`${address}/g/`));
    const asked = await visit(link);
    for (const url of asked.filter((other) => !other.startsWith("data:"))) {
      assert.ok(url.startsWith(address), url);
      assert.doesNotMatch(url, /\?/);
    }
  });
});
