import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard, picture } from "../support/card.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow, sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const MEBIBYTE = 1024 * 1024;
const PART = 8 * MEBIBYTE;
/** The list of its parts that completes an upload goes the same way: some 120 bytes for each. */
const LIST = 4096;
const server = await startRadosgw();
const skip = server === null && lacks("radosgw");
const { accessKeyId, secretAccessKey, endpoint = "" } = server ?? { accessKeyId: "x", secretAccessKey: "y" };
after(() => server?.stop());

/** A library, a bucket of its own behind a proxy, and the command with both. */
async function box(t: TestContext, bucket: string) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const admin = new S3({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await admin.createBucket({ Bucket: bucket });
  const proxy = await startFaultProxy(endpoint);
  t.after(async () => {
    admin.destroy();
    await proxy.close();
  });
  const env = {
    GHOSTROLL_S3_BUCKET: bucket,
    GHOSTROLL_S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const flags = ["--base-dir", base, "--set", "RESERVE_MB=0", "--set"];
  const which = (originals: string) => [...flags, `UPLOAD_ORIGINALS=${originals}`];
  return {
    folder,
    base,
    proxy,
    openUploads: async () => (await admin.listMultipartUploads({ Bucket: bucket })).Uploads ?? [],
    /** Name below `originals/` and bytes of everything there. */
    async originals() {
      const found = new Map<string, Buffer>();
      const { Contents = [] } = await admin.listObjectsV2({ Bucket: bucket, Prefix: "ghostroll/originals/" });
      for (const { Key = "" } of Contents) {
        const { Body } = await admin.getObject({ Bucket: bucket, Key });
        found.set(
          Key.slice("ghostroll/originals/".length),
          Buffer.from((await Body?.transformToByteArray()) ?? []),
        );
      }
      return found;
    },
    run: async (command: readonly string[], originals: string) =>
      ghostroll([...command, ...which(originals)], { env }),
    launch: (command: readonly string[], originals: string) =>
      start([...command, ...which(originals)], { env }),
    put: async (name: string, bytes: Buffer) =>
      admin.putObject({ Bucket: bucket, Key: `ghostroll/originals/${name}`, Body: bytes }),
  };
}

describe("originals in the bucket", { skip }, () => {
  it("are those that were asked for, once and byte by byte, counted, and make a rotten library whole again", async (t) => {
    const { folder, base, proxy, originals, run, put } = await box(t, "some-originals");
    const raw = Buffer.concat([Buffer.from("II*\0"), randomBytes(300_000)]);
    const film = randomBytes(20 * MEBIBYTE);
    const card = await makeCard(join(folder, "card"), {
      "DCIM/A.JPG": await picture(1),
      "DCIM/A.NEF": raw,
      "DCIM/B.MP4": film,
      "DCIM/B.XMP": "<x/>",
    });
    const ingest = ["ingest", card, "--json"];
    const none = JSON.parse((await run(ingest, "none")).out) as Summary;
    assert.deepEqual([none.originals, (await originals()).size], [null, 0]);
    const onlyRaw = JSON.parse((await run(ingest, "raw")).out) as Summary;
    assert.deepEqual(onlyRaw.originals, { uploaded: 1, waiting: 0, reason: null });
    assert.deepEqual([...(await originals()).keys()], [`${sha256(raw)}.nef`]);

    const before = JSON.parse((await run([...ingest, "--verify-source"], "raw")).out) as Summary;
    assert.match(before.verdicts.join(" "), /3 of 4 files without a second copy/);

    // Somebody else has one of them already, and half of another.
    const picked = await readFile(join(card, "DCIM/A.JPG"));
    await put(`${sha256(picked)}.jpg`, picked.subarray(1));
    const { code, out } = await run(ingest, "all");
    assert.equal(code, 0, out);
    assert.deepEqual((JSON.parse(out) as Summary).originals, { uploaded: 4, waiting: 0, reason: null });
    const there = await originals();
    assert.deepEqual(new Set([...there.values()].map(sha256)), new Set((await hashesBelow(card)).values()));
    for (const [name, bytes] of there) assert.ok(name.startsWith(sha256(bytes)), name);
    assert.match((await run(["status"], "all")).out, /All 4 originals are in the bucket too/);

    const sent = proxy.bodyBytes;
    assert.equal((await run(ingest, "all")).code, 0);
    assert.equal(proxy.bodyBytes, sent, "nothing is sent twice");

    // Library and bucket are two places: for being formatted, the card lacks no second copy any more.
    const again = JSON.parse((await run([...ingest, "--verify-source"], "all")).out) as Summary;
    assert.equal(again.isSafeToFormat, true, again.verdicts.join(" "));

    const kept = (await readdir(join(base, "originals"), { recursive: true })).find((name) =>
      name.endsWith("B.MP4"),
    );
    const rotten = join(base, "originals", kept ?? "");
    await writeFile(rotten, film.subarray(1));
    const repaired = await run(["verify", "--all", "--repair"], "all");
    assert.match(repaired.out, /the bucket/, repaired.out + repaired.err);
    assert.ok(film.equals(await readFile(rotten)));
  });

  it("of 200 MB go on after each SIGKILL, and cost at most one part of it twice", async (t) => {
    const { folder, proxy, originals, openUploads, run, launch } = await box(t, "large-originals");
    const film = randomBytes(200 * MEBIBYTE);
    const card = await makeCard(join(folder, "card"), { "DCIM/A.JPG": await picture(1), "DCIM/B.MP4": film });
    const path = `/large-originals/ghostroll/originals/${sha256(film)}.mp4`;
    const sent = () => proxy.bytesTo.get(path) ?? 0;
    const kills = 4;
    for (let kill = 1; kill <= kills; kill++) {
      const run = launch(["ingest", card], "all");
      const enough = kill * 43 * MEBIBYTE;
      for (let tries = 0; sent() < enough && tries < 60_000 && run.child.exitCode === null; tries++)
        await delay(1);
      run.child.kill("SIGKILL");
      assert.equal((await run.ended).signal, "SIGKILL", run.out());
    }
    const last = await run(["ingest", card], "all");
    assert.equal(last.code, 0, last.out + last.err);
    assert.match(last.out, /All 2 originals are in the bucket too/);
    t.diagnostic(
      `${(sent() / MEBIBYTE).toFixed(1)} MiB sent of a file of 200 MiB, ${kills} kills, at most ${200 + kills * 8} allowed`,
    );
    const most = film.length + kills * PART + LIST;
    assert.ok(sent() >= film.length && sent() <= most, String(sent()));
    assert.ok(film.equals((await originals()).get(`${sha256(film)}.mp4`) ?? Buffer.alloc(0)));
    const open = (await openUploads()).filter(({ Key = "" }) => !Key.includes("/.ghostroll-"));
    assert.deepEqual(open, []);
  });
});
