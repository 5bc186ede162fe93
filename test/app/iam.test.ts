import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { aboutStore } from "../../src/app/doctor-store.ts";
import type { Summary } from "../../src/app/summary.ts";
import { loadSettings } from "../../src/config/load.ts";
import { keys } from "../../src/domain/layout.ts";
import { linkTo } from "../../src/domain/object.ts";
import type { Verified } from "../../src/ingest/verify.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure, newObject, sha256 } from "../contracts/new-object.ts";
import { pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import type { User } from "../support/iam.ts";
import { allowIam, grants, newUser, policyOf, without } from "../support/iam.ts";
import { hashesBelow } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { pagesPolicy } from "../support/public-pages.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const [BUCKET, PREFIX] = ["our-photos", "weddings/box"];
const policy = (name: Parameters<typeof policyOf>[0]) => policyOf(name, BUCKET, PREFIX);

const server = await startRadosgw();
after(() => server?.stop());
const skip = server?.administer ? false : lacks("radosgw") || "the server is not ours to administer";

describe("keys with exactly the policies of docs/iam, at a server that evaluates them", { skip }, () => {
  let [uploader, presigner, revoker]: User[] = [];
  let admin: S3;
  before(async () => {
    await allowIam(given(server));
    for (const name of ["uploader", "presigner", "revoker"] as const) {
      const user = await newUser(given(server), name);
      await user.allow(policy(name));
      if (name === "uploader") uploader = user;
      else if (name === "presigner") presigner = user;
      else revoker = user;
    }
    admin = new S3(clientOf(given(server)));
    await admin.createBucket({ Bucket: BUCKET });
  });
  after(() => admin.destroy());

  const clientOf = ({ accessKeyId, secretAccessKey }: Pick<User, "accessKeyId" | "secretAccessKey">) => ({
    endpoint: given(server).endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const storeOf = async (user: User, linkUser: User | null = null) =>
    openS3Store({
      ...clientOf(user),
      bucket: BUCKET,
      prefix: PREFIX,
      linkSeconds: 3600,
      linkCredentials: linkUser,
    });
  const environment = () => ({
    GHOSTROLL_S3_BUCKET: BUCKET,
    GHOSTROLL_S3_PREFIX_ROOT: PREFIX,
    GHOSTROLL_UPLOAD_ORIGINALS: "all",
    GHOSTROLL_S3_ENDPOINT: given(server).endpoint,
    AWS_ACCESS_KEY_ID: given(uploader).accessKeyId,
    AWS_SECRET_ACCESS_KEY: given(uploader).secretAccessKey,
    GHOSTROLL_PRESIGN_ACCESS_KEY_ID: given(presigner).accessKeyId,
    GHOSTROLL_PRESIGN_SECRET_ACCESS_KEY: given(presigner).secretAccessKey,
  });
  const settings = (more: Record<string, string> = {}) => {
    const sources = { environment: { ...environment(), ...more }, cwd: "/nowhere", homeDir: "/nowhere" };
    return loadSettings({ flags: {}, ...sources });
  };
  const inBucket = async () => {
    const { Contents = [] } = await admin.listObjectsV2({ Bucket: BUCKET });
    const { Uploads = [] } = await admin.listMultipartUploads({ Bucket: BUCKET });
    return [...Contents, ...Uploads].map(({ Key }) => Key ?? "");
  };

  it("a card becomes a gallery, a lost original comes back, a gallery is revoked", async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const env = { ...environment(), GHOSTROLL_BASE_DIR: base, GHOSTROLL_RESERVE_MB: "0" };
    const card = await pictureCard(join(folder, "card"), 6);
    const ingested = await ghostroll(["ingest", card, "--json"], { env });
    assert.equal(ingested.code, 0, ingested.out + ingested.err);
    const link = (JSON.parse(ingested.out) as Summary).link ?? "";
    assert.ok(link.includes(given(presigner).accessKeyId), "signed with the key for links");
    assert.equal((await fetch(link)).status, 200);

    // Nothing that the presigner signs is refused, and the uploader signs nothing.
    const store = await storeOf(given(uploader), given(presigner));
    const put = (await inBucket()).map((key) => key.slice(PREFIX.length + 1));
    const shown = put.filter((key) => !key.startsWith("originals/"));
    assert.ok(shown.length > 12, put.join());
    for (const key of shown) assert.equal((await open(store, key)).status, 200, key);

    const originals = [...(await hashesBelow(join(base, "originals")))].filter(([path]) =>
      path.endsWith("JPG"),
    );
    const [path = "", hash = ""] = originals[0] ?? [];
    assert.equal(originals.length, 6);
    for (const [file, content] of originals) assert.ok(put.includes(keys.original(content, file)), file);
    await writeFile(path, (await readFile(path)).subarray(1));
    const repaired = await ghostroll(["verify", "--all", "--repair", "--json"], { env });
    assert.equal(repaired.code, 0, repaired.out + repaired.err);
    const { rot } = JSON.parse(repaired.out) as Verified;
    assert.deepEqual(
      rot.map(({ repairedFrom }) => repairedFrom),
      ["the bucket"],
    );
    assert.equal(sha256(await readFile(path)), hash);

    // What a daemon does besides: a large object in parts, and looking for parts that nobody will complete.
    await store.put(newObject("originals/large.mov", Buffer.alloc(17 * 2 ** 20)), never);
    assert.equal(await store.sweep(never), 0);
    await store.close();

    const session = /\/originals\/\d+\/[\d-]+\/([^/]+)\//.exec(path)?.[1] ?? "";
    const refused = await ghostroll(["revoke", session], { env });
    assert.match(refused.out, /Revoked, but not gone yet.*Allow s3:ListBucket/s);
    assert.equal((await fetch(link)).status, 200);
    const { accessKeyId, secretAccessKey } = given(revoker);
    const keysOfRevoker = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const revoked = await ghostroll(["revoke", session], { env: { ...env, ...keysOfRevoker } });
    assert.equal(revoked.code, 0, revoked.out + revoked.err);
    assert.notEqual((await fetch(link)).status, 200);
    const left = (await inBucket()).map((key) => key.slice(PREFIX.length + 1));
    assert.deepEqual(
      left.filter((key) => key.startsWith("g/")),
      [],
    );
    assert.ok(left.includes(keys.original(hash, path)), "originals outlive their galleries");
  });

  it("no link reaches an original, another prefix, or what was never published", async () => {
    const store = await storeOf(given(uploader), given(presigner));
    const signer = new S3(clientOf(given(presigner)));
    for (const key of ["originals/abc.jpg", "stations/box/state.json", "g-other/x"]) {
      await store.put(newObject(key, Buffer.from("private")), never);
      await assert.rejects(store.sign([key]), /not a key for guests/);
      // Nor when somebody has the key for links itself.
      await assert.rejects(signer.getObject({ Bucket: BUCKET, Key: `${PREFIX}/${key}` }), {
        name: "AccessDenied",
      });
    }
    signer.destroy();
    const elsewhere = await openS3Store({
      ...clientOf(given(presigner)),
      bucket: BUCKET,
      prefix: "weddings",
      linkSeconds: 3600,
    });
    await admin.putObject({ Bucket: BUCKET, Key: "weddings/g/x", Body: "another box's" });
    assert.equal((await open(elsewhere, "g/x")).status, 403);
    for (const each of [store, elsewhere]) await each.close();
  });

  it("a stolen key of the box deletes nothing, lists nothing, and leaves its folder for nothing", async () => {
    const thief = new S3(clientOf(given(uploader)));
    const [Bucket, Key] = [BUCKET, `${PREFIX}/originals/abc.jpg`];
    const everybody = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:*", Resource: `arn:aws:s3:::${BUCKET}/*` }],
    });
    const attempts: Record<string, () => Promise<unknown>> = {
      "delete an original": async () => thief.deleteObject({ Bucket, Key }),
      "delete a gallery": async () => thief.deleteObject({ Bucket, Key: `${PREFIX}/g/x` }),
      "list the bucket": async () => thief.listObjectsV2({ Bucket }),
      "list its own folder": async () => thief.listObjectsV2({ Bucket, Prefix: `${PREFIX}/g/` }),
      "list versions": async () => thief.listObjectVersions({ Bucket }),
      "read beside its folder": async () => thief.getObject({ Bucket, Key: "weddings/g/x" }),
      "write beside its folder": async () => thief.putObject({ Bucket, Key: "index.html", Body: "x" }),
      "open the bucket to everybody": async () => thief.putBucketPolicy({ Bucket, Policy: everybody }),
      "read the bucket's policy": async () => thief.getBucketPolicy({ Bucket }),
      "let things expire": async () =>
        thief.putBucketLifecycleConfiguration({
          Bucket,
          LifecycleConfiguration: {
            Rules: [{ ID: "x", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 1 } }],
          },
        }),
      "open its list to everybody": async () => thief.putBucketAcl({ Bucket, ACL: "public-read" }),
      "delete the bucket": async () => thief.deleteBucket({ Bucket }),
    };
    const outcomes = await Promise.all(
      Object.entries(attempts).map(async ([what, attempt]) => {
        const status = await attempt().then(
          () => 200,
          (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode,
        );
        return `${what}: ${status}`;
      }),
    );
    assert.deepEqual(
      outcomes,
      Object.keys(attempts).map((what) => `${what}: 403`),
    );
    thief.destroy();
  });

  it("doctor finds every right that is needed, and leaves nothing in the bucket", async () => {
    const before = await inBucket();
    const checks = await aboutStore(settings(), never);
    assert.deepEqual(
      checks.map(({ isOk, check }) => [isOk, check]),
      [
        [true, "store"],
        [true, "revoke"],
      ],
    );
    assert.match(checks[1]?.says ?? "", /not with this access key.*s3:ListBucket/);
    for (const { action } of grants(policy("uploader")))
      if (action !== "s3:DeleteObject") assert.ok(checks[0]?.says.includes(action), action);
    assert.deepEqual(await inBucket(), before);
  });

  it("doctor takes back what one that was killed has left", async (t) => {
    const before = await inBucket();
    const env = { ...environment(), GHOSTROLL_BASE_DIR: join(await tempFolder(t), "library") };
    let left: string[] = [];
    // Its trial is there for some ten requests; a kill right then is not caught at every try.
    for (let tries = 0; tries < 20 && left.length === 0; tries++) {
      const run = start(["doctor"], { env });
      let isOver = false;
      void run.ended.then(() => {
        isOver = true;
      });
      while (!isOver && left.length === 0) left = (await inBucket()).filter((key) => !before.includes(key));
      run.child.kill("SIGKILL");
      await run.ended;
      left = (await inBucket()).filter((key) => !before.includes(key));
    }
    assert.match(left.join(), /\/\.doctor\/\w+$/);
    const [Key] = left;
    const writer = new S3(clientOf(given(uploader)));
    await writer.createMultipartUpload({ Bucket: BUCKET, Key });
    writer.destroy();
    await ghostroll(["doctor"], { env });
    assert.deepEqual(await inBucket(), before);
  });

  for (const { sid, action } of [...grants(policy("uploader")), ...grants(policy("presigner"))])
    it(`without ${action} of ${sid}, doctor says so by its name, with the file that has it`, async () => {
      const user = sid === "OpenGalleries" ? "presigner" : "uploader";
      const before = await inBucket();
      const held = given(user === "presigner" ? presigner : uploader);
      await held.allow(without(policy(user), sid, action));
      const checks = await aboutStore(settings(), never);
      await held.allow(policy(user));
      const isNeeded = action !== "s3:DeleteObject";
      const named = checks.filter(({ says }) => says.includes(`${action} `));
      if (isNeeded) {
        // Galleries and originals each.
        const lines = sid === "PutAndProve" ? 2 : 1;
        assert.deepEqual([checks.length, named.length], [lines, lines], JSON.stringify(checks));
        assert.ok(named.every(({ isOk }) => !isOk));
        assert.match(named[0]?.fix ?? "", new RegExp(`docs/iam/${user}\\.json`));
      } else {
        assert.ok(
          checks.every(({ isOk }) => isOk),
          JSON.stringify(checks),
        );
        assert.match(named[0]?.says ?? "", /^s3:GetObject was not tried/);
      }
      assert.deepEqual(await inBucket(), before, "nothing is left behind");
    });

  it("doctor tells a right that is missing for originals only from one that is missing for galleries", async () => {
    const all = policy("uploader");
    const Resource = `arn:aws:s3:::${BUCKET}/${PREFIX}/originals/*`;
    const deny = { Sid: "Less", Effect: "Deny", Action: "s3:PutObject", Resource };
    await given(uploader).allow({ ...all, Statement: [...all.Statement, deny] });
    const says = (await aboutStore(settings(), never)).map((check) => check.says);
    const withoutThem = await aboutStore(settings({ GHOSTROLL_UPLOAD_ORIGINALS: "none" }), never);
    await given(uploader).allow(all);
    assert.deepEqual(says, [
      `the access key may not do s3:PutObject below ${PREFIX}/originals/ in the bucket ${BUCKET}`,
    ]);
    assert.ok(
      withoutThem.every(({ isOk }) => isOk),
      "what is not asked for is not needed",
    );
  });

  it("doctor says when pages do not open for guests in a mode whose links bear no signature, and when they do", async (t) => {
    const [before, short] = [await inBucket(), settings({ GHOSTROLL_SHARE: "capability" })];
    const closed = await aboutStore(short, never);
    assert.deepEqual([closed.length, closed[0]?.isOk], [1, false]);
    assert.match(closed[0]?.says ?? "", /^a guest without a signature may not do s3:GetObject/);
    assert.match(closed[0]?.fix ?? "", /docs\/sharing\.md/);
    await admin.putBucketPolicy({ Bucket: BUCKET, Policy: pagesPolicy(BUCKET, PREFIX) });
    t.after(() => admin.deleteBucketPolicy({ Bucket: BUCKET }));
    assert.ok((await aboutStore(short, never)).every(({ isOk }) => isOk));
    const at = (folder: string) => `${given(server).endpoint}/${BUCKET}${folder}`;
    const shared = (url: string) =>
      aboutStore(settings({ GHOSTROLL_SHARE: "capability", GHOSTROLL_SHARE_URL: url }), never);
    assert.ok((await shared(at(`/${PREFIX}`))).every(({ isOk }) => isOk));
    // The folder forgotten: what is looked for there is not there, or not for everybody.
    const [astray] = await shared(at(""));
    assert.deepEqual(
      [astray?.isOk, astray?.fix?.includes(`${at("")} in GHOSTROLL_SHARE_URL`)],
      [false, true],
    );
    assert.doesNotMatch(astray?.fix ?? "", /policy/);
    assert.deepEqual(await inBucket(), before);
  });

  for (const action of ["s3:PutObject", "s3:GetObject"])
    it(`without ${action}, an ingest keeps the originals and names the right`, async (t) => {
      const folder = await tempFolder(t);
      await given(uploader).allow(without(policy("uploader"), "PutAndProve", action));
      const card = await pictureCard(join(folder, "card"), 2);
      const env = {
        ...environment(),
        GHOSTROLL_BASE_DIR: join(folder, "library"),
        GHOSTROLL_RESERVE_MB: "0",
      };
      const { code, out, err } = await ghostroll(["ingest", card], { env });
      await given(uploader).allow(policy("uploader"));
      assert.equal(code, 78, out + err);
      assert.match(out, new RegExp(`${action}\\b`, "i"));
      assert.match(out, /originals are kept/);
      assert.doesNotMatch(out + err, /\n\s+at /);
      await rm(folder, { recursive: true });
    });

  for (const [action, sid] of [
    ["s3:ListBucket", "FindWhatGalleriesHave"],
    ["s3:DeleteObject", "DeleteGalleriesAndNothingElse"],
  ] as const)
    it(`without ${action}, a revoker's key revokes nothing and is told which right it lacks`, async () => {
      const store = await storeOf(given(revoker));
      const writer = await storeOf(given(uploader));
      await writer.put(newObject("g/revoked/i.json", Buffer.from("{}")), never);
      await given(revoker).allow(without(policy("revoker"), sid, action));
      await assert.rejects(store.deletePrefix("g/revoked", never), failure("remote-refused"));
      await assert.rejects(store.deletePrefix("g/revoked", never), new RegExp(action));
      await given(revoker).allow(policy("revoker"));
      assert.equal(await store.deletePrefix("g/revoked", never), 1);
      for (const each of [store, writer]) await each.close();
    });

  it("a key for links that nobody knows is said to be that, not to lack a right", async () => {
    const checks = await aboutStore(settings({ GHOSTROLL_PRESIGN_ACCESS_KEY_ID: "NOBODYSKEY" }), never);
    assert.deepEqual([checks.length, checks[0]?.isOk], [1, false]);
    assert.match(checks[0]?.says ?? "", /does not know the access key id/);
  });
});

function given<Thing>(thing: Thing | null | undefined): Thing {
  assert.ok(thing);
  return thing;
}

/** As a guest does it, with a link that the store has signed. */
async function open(store: ObjectStore, key: string): Promise<Response> {
  return fetch(linkTo(await store.sign([key]), key, 0));
}
