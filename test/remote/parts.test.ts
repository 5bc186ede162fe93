import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { BegunUploads } from "../../src/remote/begun-upload.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure, newObject } from "../contracts/new-object.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const MEBIBYTE = 1024 * 1024;
const PART = 8 * MEBIBYTE;
const DAY_MS = 86_400_000;
const never = new AbortController().signal;
const server = await startRadosgw();
const skip = server === null && lacks("radosgw");
const { accessKeyId, secretAccessKey } = server ?? { accessKeyId: "x", secretAccessKey: "y" };
const Bucket = `parts-${randomUUID()}`;
after(() => server?.stop());

describe("a large upload that was broken off", { skip }, () => {
  let proxy: FaultProxy;
  let admin: S3;
  before(async () => {
    const endpoint = server?.endpoint ?? "";
    proxy = await startFaultProxy(endpoint);
    admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await admin.createBucket({ Bucket });
  });
  after(async () => {
    await proxy.close();
    admin.destroy();
  });

  const open = async (begun: BegunUploads | null, told: Partial<S3Options> = {}): Promise<ObjectStore> =>
    openS3Store({
      bucket: Bucket,
      prefix: "box",
      region: "us-east-1",
      endpoint: proxy.endpoint,
      forcePathStyle: true,
      linkSeconds: 604_800,
      credentials: { accessKeyId, secretAccessKey },
      begun,
      ...told,
    });
  const openUploads = async () => (await admin.listMultipartUploads({ Bucket })).Uploads ?? [];

  /** Puts until so many bytes have come, then breaks it off. */
  async function breakOff(store: ObjectStore, object: ReturnType<typeof newObject>, bytes: number) {
    const enough = proxy.bodyBytes + bytes;
    const ending = new AbortController();
    const put = store.put(object, ending.signal);
    const watching = (async () => {
      while (proxy.bodyBytes < enough) await delay(1);
      ending.abort(new Error("broken off"));
    })();
    await assert.rejects(put, /broken off/);
    await watching;
  }

  it("goes on where it was, in another process too, and sends at most a part of it twice", async (t) => {
    const folder = await tempFolder(t);
    const bytes = randomBytes(60 * MEBIBYTE);
    const file = join(folder, "video");
    await writeFile(file, bytes);
    const object = newObject("g/video", bytes, { body: { file } });
    const [sentBefore, breaks] = [proxy.bodyBytes, 3];
    for (let round = 0; round < breaks; round++) {
      const catalog = openCatalog(join(folder, "c.db"), "store");
      const store = await open(catalog);
      await breakOff(store, object, 17 * MEBIBYTE);
      await store.close();
      catalog.close();
    }
    const catalog = openCatalog(join(folder, "c.db"), "store");
    const store = await open(catalog);
    assert.ok((catalog.begunUpload("g/video")?.parts.length ?? 0) > breaks);
    await store.put(object, never);
    const sent = proxy.bodyBytes - sentBefore;
    t.diagnostic(`${(sent / MEBIBYTE).toFixed(1)} MiB sent for 60 MiB, broken off ${breaks} times`);
    assert.ok(sent <= bytes.length + breaks * PART, String(sent));
    assert.ok(bytes.equals((await store.get("g/video", never)) ?? Buffer.alloc(0)));
    assert.deepEqual([await openUploads(), catalog.begunUpload("g/video")], [[], null]);
    await store.close();
    catalog.close();
  });

  it("starts again, and leaves nothing of the first, when other bytes are to be put now", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const store = await open(catalog);
    const [first, second] = [randomBytes(40 * MEBIBYTE), randomBytes(40 * MEBIBYTE)];
    await breakOff(store, newObject("g/other", first), 20 * MEBIBYTE);
    assert.equal((await openUploads()).length, 1);
    await store.put(newObject("g/other", second), never);
    assert.ok(second.equals((await store.get("g/other", never)) ?? Buffer.alloc(0)));
    assert.deepEqual(await openUploads(), []);
    await store.close();
    catalog.close();
  });

  it("starts again when somebody has taken it back, and knows it when it was completed unheard", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const store = await open(catalog);
    const object = newObject("g/gone", randomBytes(40 * MEBIBYTE));
    await breakOff(store, object, 20 * MEBIBYTE);
    const { id = "", parts = [] } = catalog.begunUpload("g/gone") ?? {};
    await admin.abortMultipartUpload({ Bucket, Key: "box/g/gone", UploadId: id });
    await store.put(object, never);
    assert.deepEqual(await store.has("g/gone", never), {
      sizeBytes: object.sizeBytes,
      sha256: object.sha256,
    });
    // As a process leaves it that was killed between the store's deed and its own note.
    catalog.beginUpload("g/gone", { id, sha256: object.sha256, partBytes: PART });
    for (const part of parts) catalog.recordPart("g/gone", part);
    const before = proxy.bodyBytes;
    await store.put(object, never);
    assert.ok(proxy.bodyBytes - before <= PART + MEBIBYTE, "all was sent again");
    assert.equal(catalog.begunUpload("g/gone"), null);
    await store.close();
    catalog.close();
  });

  it("is not completed with a part that was misread the first time", async (t) => {
    const folder = await tempFolder(t);
    const catalog = openCatalog(join(folder, "c.db"), "store");
    const store = await open(catalog);
    const good = randomBytes(40 * MEBIBYTE);
    const misread = Buffer.from(good);
    misread.writeUInt8(misread.readUInt8(9) ^ 1, 9);
    const file = join(folder, "raw");
    await writeFile(file, misread);
    const object = newObject("g/misread", good, { body: { file } });
    await breakOff(store, object, 20 * MEBIBYTE);
    await writeFile(file, good);
    await store.put(object, never);
    assert.ok(good.equals((await store.get("g/misread", never)) ?? Buffer.alloc(0)));
    await writeFile(file, misread);
    await assert.rejects(
      store.put(newObject("g/bad", good, { body: { file } }), never),
      failure("remote-corrupt"),
    );
    assert.deepEqual(await openUploads(), []);
    await store.close();
    catalog.close();
  });

  it("is taken back by the sweep of any station after days, with the trial uploads; one that grows or is not ours stays", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const store = await open(catalog);
    await breakOff(store, newObject("g/stale", randomBytes(40 * MEBIBYTE)), 20 * MEBIBYTE);
    for (const Key of ["box/.ghostroll-x", "boxes/g/video", "other"])
      await admin.createMultipartUpload({ Bucket, Key });
    const keys = async () =>
      (await openUploads()).map(({ Key = "" }) => Key).toSorted((a, b) => (a < b ? -1 : 1));
    const at = async (ms: number, prefix = "box") => {
      const station = await open(null, { now: () => Date.now() + ms, prefix });
      // The store tells the time with its answers.
      assert.equal(await station.has("nothing", never), null);
      const count = await station.sweep(never);
      await station.close();
      return count;
    };
    assert.equal(await at(0), 0);
    assert.equal(await at(DAY_MS), 1);
    assert.deepEqual(await keys(), ["box/g/stale", "boxes/g/video", "other"]);
    assert.equal(await at(3 * DAY_MS), 0);
    assert.equal(await at(5 * DAY_MS), 1);
    assert.deepEqual(await keys(), ["boxes/g/video", "other"]);
    assert.equal(await at(5 * DAY_MS, ""), 0, "without a prefix nothing can be told to be ours");
    assert.equal(await store.sweep(never), 0);
    await store.close();
    catalog.close();
  });
});
