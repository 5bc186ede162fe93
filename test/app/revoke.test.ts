import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import type { Summary } from "../../src/app/summary.ts";
import { pictureCard } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import type { Policy, User } from "../support/iam.ts";
import { allowIam, newUser, policyOf } from "../support/iam.ts";
import { lacks } from "../support/needs.ts";
import type { Radosgw } from "../support/radosgw.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const [BUCKET, PREFIX] = ["our-photos", "box"];
const statements = (name: Parameters<typeof policyOf>[0]) => policyOf(name, BUCKET, PREFIX).Statement;
const policy = (...all: readonly Policy["Statement"][]) => ({ Version: "2012-10-17", Statement: all.flat() });
const [UPLOADER, REVOKER] = [statements("uploader"), statements("revoker")];

const server = await startRadosgw();
after(() => server?.stop());
const skip = server?.administer ? false : lacks("radosgw") || "the server is not ours to administer";

describe("revoking with the keys of docs/bucket.md, at a server that evaluates policies", { skip }, () => {
  let admin: S3;
  let box: User;
  before(async () => {
    const { endpoint, accessKeyId, secretAccessKey } = server as Radosgw;
    await allowIam(server as Radosgw);
    box = await newUser(server as Radosgw, "box");
    admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await admin.createBucket({ Bucket: BUCKET });
  });
  after(() => admin?.destroy());
  beforeEach(async () => {
    await box.allow(policy(UPLOADER, REVOKER));
    for (const Key of await inBucket()) await admin.deleteObject({ Bucket: BUCKET, Key });
  });

  const inBucket = async (part = "") => {
    const { Contents = [] } = await admin.listObjectsV2({ Bucket: BUCKET, Prefix: PREFIX });
    return Contents.map(({ Key = "" }) => Key).filter((key) => key.startsWith(`${PREFIX}/${part}`));
  };

  async function station(t: TestContext) {
    const folder = await tempFolder(t);
    const { accessKeyId, secretAccessKey } = box;
    const env = {
      GHOSTROLL_BASE_DIR: join(folder, "library"),
      GHOSTROLL_RESERVE_MB: "0",
      GHOSTROLL_S3_BUCKET: BUCKET,
      GHOSTROLL_S3_PREFIX_ROOT: PREFIX,
      GHOSTROLL_S3_ENDPOINT: (server as Radosgw).endpoint,
      GHOSTROLL_UPLOAD_ORIGINALS: "all",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const run = async (...args: string[]) => ghostroll(args, { env });
    let pictures = 0;
    const ingest = async (label: string, more: readonly string[] = [], other = {}): Promise<Summary> => {
      const card = await pictureCard(join(folder, label), 2, pictures);
      pictures += 2;
      const { out, err } = await ghostroll(["ingest", card, "--json", ...more], {
        env: { ...env, ...other },
      });
      assert.ok(out.startsWith("{"), out + err);
      return JSON.parse(out) as Summary;
    };
    return { run, ingest };
  }
  const opens = async ({ link }: Summary) => (await fetch(link ?? "")).status === 200;

  it("takes down a shared gallery with all that the stations have told each other, and the next one too", async (t) => {
    const { run, ingest } = await station(t);
    const shared = await ingest("ONE", ["--gallery", "party"]);
    const own = await ingest("TWO");
    assert.deepEqual([await opens(shared), await opens(own)], [true, true]);
    assert.ok((await inBucket("stations/")).length > 0);
    for (const [label, gallery] of Object.entries({ ONE: shared, TWO: own })) {
      const { code, out, err } = await run("revoke", label);
      assert.deepEqual([code, err], [0, ""], out);
      assert.match(out, /nobody can open/);
      assert.equal(await opens(gallery), false);
    }
    assert.deepEqual([await inBucket("g/"), await inBucket("stations/")], [[], []]);
    assert.equal((await inBucket("originals/")).length, 4);
  });

  it("says what is true of the gallery that was asked for where another one cannot be taken down whole", async (t) => {
    const { run, ingest } = await station(t);
    const galleries = [await ingest("ONE", ["--gallery", "party"]), await ingest("TWO")];
    // May list galleries, and not what stations tell each other.
    const less = REVOKER.map((one) =>
      "Condition" in one ? { ...one, Condition: { StringLike: { "s3:prefix": `${PREFIX}/g/*` } } } : one,
    );
    await box.allow(policy(UPLOADER, less));
    const shared = await run("revoke", "ONE");
    assert.equal(shared.code, 78, shared.out + shared.err);
    assert.match(
      shared.out,
      /^Revoked: nobody can open.*\nNot everything.*Allow s3:ListBucket.*revoker\.json/,
    );
    const own = await run("revoke", "TWO");
    assert.deepEqual([own.code, own.out.split("\n").length], [0, 2], own.out);
    assert.match(own.out, /^Revoked: nobody can open the gallery of 0002-/);
    assert.deepEqual(await Promise.all(galleries.map(opens)), [false, false]);
    assert.notDeepEqual(await inBucket("stations/"), []);

    await box.allow(policy(UPLOADER, REVOKER));
    const retried = await run("retry");
    assert.equal(retried.code, 0, retried.out + retried.err);
    assert.deepEqual(await inBucket("stations/"), []);
  });

  it("that may not be done leaves the gallery open, says so, and keeps nothing else from the store", async (t) => {
    const { run, ingest } = await station(t);
    const first = await ingest("ONE");
    const away = { GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:1" };
    assert.equal((await ingest("TWO", [], away)).undelivered?.code, "remote-unreachable");
    await box.allow(policy(UPLOADER));
    const refused = await run("revoke", "ONE");
    assert.equal(refused.code, 78, refused.out + refused.err);
    assert.match(refused.out, /^Revoked, but not gone yet.*\n.*Allow s3:ListBucket.*\n`ghostroll retry`/);
    assert.equal(await opens(first), true);

    const third = await ingest("THREE");
    assert.deepEqual(
      [third.undelivered?.code, third.undelivered?.isOfThisCard, third.originals?.waiting],
      ["revoke-unfinished", false, 0],
    );
    assert.equal(await opens(third), true);
    const { out } = await run("sessions", "--json");
    assert.deepEqual(
      [...out.matchAll(/"end": ?"([\w-]+)"/g)].map(([, end]) => end),
      ["revoked", "complete", "complete"],
    );
    assert.match(out, /Revoked, but not gone yet: its gallery may still open/);
    assert.equal((await inBucket("originals/")).length, 6);
    assert.equal((await inBucket("g/")).filter((key) => key.endsWith(".zip")).length, 3);
  });

  it("needs no right to delete of a station that hears of it when all it had put is gone", async (t) => {
    const [owner, other] = [await station(t), await station(t)];
    const shared = await owner.ingest("ONE", ["--gallery", "party"]);
    assert.equal((await other.ingest("TWO", ["--gallery", "party"])).undelivered, null);
    assert.equal((await owner.run("revoke", "ONE")).code, 0);
    await box.allow(policy(UPLOADER));
    const renewed = await other.run("share", "TWO", "--renew");
    assert.equal(renewed.code, 0, renewed.out + renewed.err);
    assert.equal(await opens({ ...shared, link: /^http.*$/m.exec(renewed.out)?.[0] ?? "" }), true);
    const retried = await other.run("retry");
    assert.equal(retried.code, 0, retried.out + retried.err);
    assert.equal(await opens(shared), false);
  });
});
