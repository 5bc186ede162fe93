import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { revocableStore } from "../../src/remote/revocable-store.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure, newObject } from "../contracts/new-object.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const MEBIBYTE = 1024 * 1024;
const never = new AbortController().signal;
const server = await startRadosgw();
const skip = server === null && lacks("radosgw");
const { accessKeyId, secretAccessKey, endpoint } = server ?? {
  accessKeyId: "x",
  secretAccessKey: "y",
  endpoint: "",
};
const Bucket = `revoked-${randomUUID()}`;
after(() => server?.stop());

describe("a gallery that is revoked while a slow line puts it into a bucket", { skip }, () => {
  it("is not waited for where that takes minutes, and nothing of it comes afterwards", async (t) => {
    const proxy = await startFaultProxy(endpoint);
    const admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const s3 = await openS3Store({
      bucket: Bucket,
      prefix: "box",
      region: "us-east-1",
      endpoint: proxy.endpoint,
      forcePathStyle: true,
      linkSeconds: 604_800,
      credentials: { accessKeyId, secretAccessKey },
      begun: catalog,
    });
    t.after(async () => {
      await s3.close();
      catalog.close();
      admin.destroy();
      await proxy.close();
    });
    await admin.createBucket({ Bucket });
    const revoked = new Set<string>();
    const store = revocableStore(s3, (slug) => revoked.has(slug));
    await store.put(newObject("g/gone/v", Buffer.from("page")), never);
    await store.put(newObject("g/other/v", Buffer.from("page")), never);

    // 100 MiB take more than three minutes now, a picture of half a MiB some two seconds.
    proxy.misbehave({ bytesPerSecond: MEBIBYTE / 2 });
    const zip = store.put(newObject("g/gone/z/list/all.zip", randomBytes(100 * MEBIBYTE)), never);
    const ended = assert.rejects(zip, failure("gallery-revoked"));
    while (proxy.bodyBytes < MEBIBYTE) await delay(10);
    const picture = store.put(newObject("g/gone/p/one.jpg", randomBytes(MEBIBYTE / 2)), never);
    await delay(100);

    revoked.add("gone");
    const [beganMs, sent] = [performance.now(), proxy.bodyBytes];
    const isGone = store.deletePrefix("g/gone", never);
    let opensMs = 0;
    while ((await admin.headObject({ Bucket, Key: "box/g/gone/v" }).catch(() => null)) !== null) {
      opensMs = performance.now() - beganMs;
      await delay(20);
    }
    await isGone;
    const tookMs = performance.now() - beganMs;
    await ended;
    await picture;
    await assert.rejects(
      store.put(newObject("g/gone/v", Buffer.from("page")), never),
      failure("gallery-revoked"),
    );
    await assert.rejects(
      store.put(newObject("stations/gone/a/part.json", Buffer.from("{}")), never),
      failure("gallery-revoked"),
    );
    t.diagnostic(
      `opened for ${Math.round(opensMs)} ms, gone for good after ${Math.round(tookMs)} ms, ${proxy.bodyBytes - sent} bytes sent meanwhile`,
    );
    assert.ok(opensMs < 3000, `${opensMs} ms`);
    assert.ok(tookMs < 30_000, `${tookMs} ms`);
    await delay(2000);
    const { Contents = [] } = await admin.listObjectsV2({ Bucket });
    const { Uploads = [] } = await admin.listMultipartUploads({ Bucket });
    assert.deepEqual([Contents.map(({ Key }) => Key), Uploads], [["box/g/other/v"], []]);
    assert.equal(catalog.begunUpload("g/gone/z/list/all.zip"), null);
  });
});
