import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { aboutStore } from "../../src/app/doctor-store.ts";
import { loadSettings } from "../../src/config/load.ts";
import { FAILURES } from "../../src/domain/failure.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure, newObject } from "../contracts/new-object.ts";
import { lacks } from "../support/needs.ts";
import type { PickyProxy } from "../support/picky-proxy.ts";
import { startPickyProxy } from "../support/picky-proxy.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { startSwift } from "../support/swift.ts";

const never = new AbortController().signal;
/** Smaller than what goes whole, and larger. */
const SIZES = [100_000, 17 * 2 ** 20];
/** What Backblaze B2 answers with 400 (backblaze.com/docs, "S3-Compatible API", unsupported features). */
const CHECKSUMS = /^x-amz-(checksum-|sdk-checksum-)/;

const servers = [
  { name: "radosgw", isConditional: true, server: await startRadosgw(), without: "radosgw" },
  { name: "Swift", isConditional: false, server: await startSwift(), without: "swift-proxy-server" },
] as const;
after(async () => Promise.all(servers.map(async ({ server }) => server?.stop())));

for (const { name, isConditional, server, without } of servers) {
  const skip = server === null && lacks(without);
  describe(`behind a picky store, and a bad cable, ${name}`, { skip }, () => {
    const bucket = `ghostroll-${randomUUID()}`;
    let proxy: PickyProxy;
    let admin: S3;
    let store: ObjectStore;
    before(async () => {
      assert.ok(server);
      const { endpoint, accessKeyId, secretAccessKey } = server;
      const place = {
        region: "us-east-1",
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
      };
      admin = new S3({ endpoint, ...place });
      await admin.createBucket({ Bucket: bucket });
      proxy = await startPickyProxy(endpoint);
      store = await openS3Store({
        bucket,
        prefix: "box",
        linkSeconds: 60,
        ...place,
        endpoint: proxy.endpoint,
      });
    });
    after(async () => {
      await store.close();
      await proxy.close();
      admin.destroy();
    });
    const doctor = async (more: Readonly<Record<string, string>> = {}) => {
      assert.ok(server);
      const environment = {
        GHOSTROLL_S3_BUCKET: bucket,
        GHOSTROLL_S3_ENDPOINT: proxy.endpoint,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
        ...more,
      };
      const settings = loadSettings({ flags: {}, environment, cwd: "/nowhere", homeDir: "/nowhere" });
      return aboutStore(settings, never);
    };
    const count = async () => (await admin.listObjectsV2({ Bucket: bucket })).KeyCount;

    it("no checksum is sent, in whatever way objects are put, looked at and deleted", async () => {
      proxy.refuse(CHECKSUMS);
      for (const size of SIZES) {
        const bytes = randomBytes(size);
        await store.put(newObject(`g/a/${size}`, bytes), never);
        await store.put(newObject(`originals/${size}`, bytes, { isFinal: true }), never);
        assert.equal((await store.has(`g/a/${size}`, never))?.sizeBytes, size);
        assert.ok(bytes.equals((await store.get(`originals/${size}`, never)) ?? Buffer.alloc(0)));
      }
      if (isConditional)
        assert.ok(await store.replace(newObject("g/a/i.json", Buffer.from("{}")), null, never));
      assert.equal(await store.deletePrefix("g/a", never), SIZES.length + Number(isConditional));
      assert.ok((await doctor()).every(({ isOk }) => isOk));
      assert.deepEqual(proxy.refused, []);
    });

    it("what the store says of a 400 is in the sentence, doctor says it too, and nobody is sent to look at keys", async () => {
      const before = await count();
      proxy.refuse(/^x-amz-meta-/);
      const said =
        /400 InvalidArgument for the bucket .* said "Unsupported header 'x-amz-meta-sha256' received/;
      await assert.rejects(store.put(newObject("g/b", Buffer.from("b")), never), (error: Error) => {
        assert.match(error.message, said);
        return failure("remote-unfit")(error);
      });
      const checks = await doctor();
      proxy.refuse(null);
      assert.deepEqual(
        checks.map(({ isOk }) => isOk),
        [false],
      );
      assert.match(checks[0]?.says ?? "", said);
      assert.doesNotMatch(`${checks[0]?.fix} ${FAILURES["remote-unfit"].hint}`, /access key/);
      assert.equal(await count(), before);
    });

    it("a body that is damaged on its way is refused and sent again; one that always is, is not stored", async () => {
      for (const size of SIZES) {
        const [key, bytes] = [`g/damaged/${size}`, randomBytes(size)];
        proxy.damage(1);
        await store.put(newObject(key, bytes), never);
        assert.ok(bytes.equals((await store.get(key, never)) ?? Buffer.alloc(0)));
        proxy.damage(1000);
        await assert.rejects(store.put(newObject(key, randomBytes(size)), never), failure("remote-corrupt"));
        proxy.damage(0);
        assert.ok(bytes.equals((await store.get(key, never)) ?? Buffer.alloc(0)), "what was there is there");
      }
    });

    it("doctor says whether stations can share a gallery, and leaves nothing", async () => {
      const before = await count();
      const checks = await doctor({ GHOSTROLL_GALLERY: "Anna & Ben" });
      const isFit = checks.every(({ isOk }) => isOk);
      assert.equal(isFit, isConditional, JSON.stringify(checks));
      const [says, fix] = [checks.map((check) => check.says).join(), checks.map((check) => check.fix).join()];
      assert.match(says, isConditional ? /, conditional writes/ : /does not keep to conditional writes/);
      if (!isConditional) assert.match(fix, /Leave GHOSTROLL_GALLERY empty/);
      assert.doesNotMatch((await doctor()).map((check) => check.says).join(), /conditional/);
      assert.equal(await count(), before);
    });
  });
}
