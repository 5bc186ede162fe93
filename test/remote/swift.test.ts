import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { aboutStore } from "../../src/app/doctor-store.ts";
import type { Summary } from "../../src/app/summary.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { sha256 } from "../contracts/new-object.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { pictureCard } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { startSwift } from "../support/swift.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const server = await startSwift();
const skip = server === null && lacks("swift-proxy-server");
const { endpoint, accessKeyId, secretAccessKey } = server ?? {
  endpoint: "http://127.0.0.1:9",
  accessKeyId: "x",
  secretAccessKey: "y",
};
after(() => server?.stop());

const credentials = { accessKeyId, secretAccessKey };
const admin = new S3({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
after(() => admin.destroy());

const optionsOf = (bucket: string): S3Options => ({
  bucket,
  prefix: "box one/é",
  region: "us-east-1",
  endpoint,
  forcePathStyle: true,
  linkSeconds: 604_800,
  credentials,
});

objectStoreContract(
  "the S3 store on OpenStack Swift",
  skip,
  async () => {
    const Bucket = `ghostroll-${randomUUID()}`;
    await admin.createBucket({ Bucket });
    const options = optionsOf(Bucket);
    const store = await openS3Store(options);
    return {
      store,
      openAt: (nowMs) => openS3Store({ ...options, now: () => nowMs }),
      countLeftovers: async () => (await admin.listMultipartUploads({ Bucket })).Uploads?.length ?? 0,
      close: () => store.close(),
    };
  },
  // What bears no signature is none of its S3's business, and refused as a wrong address of Swift's own.
  { refusals: [400, 403, 404, 412], isConditional: false },
);

describe("a gallery on OpenStack Swift", { skip }, () => {
  it("is what was made, opens only by its link, is put once, and doctor leaves nothing in it", async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const env = {
      GHOSTROLL_BASE_DIR: base,
      GHOSTROLL_RESERVE_MB: "0",
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_UPLOAD_ORIGINALS: "all",
      GHOSTROLL_S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    await admin.createBucket({ Bucket: "photos" });
    const card = await pictureCard(join(folder, "card"), 12);
    // Large enough to go in parts.
    await writeFile(join(card, "DCIM/100CANON/MVI_0001.MP4"), randomBytes(20 * 2 ** 20));
    const ingest = async () => {
      const { code, out, err } = await ghostroll(["ingest", card, "--json", "--rescan", "stat"], { env });
      assert.equal(code, 0, out + err);
      return JSON.parse(out) as Summary;
    };
    const { link, puts } = await ingest();
    const page = await fetch(link ?? "");
    assert.equal(page.status, 200);
    assert.match(await page.text(), /12 photos/);

    const { Contents = [] } = await admin.listObjectsV2({ Bucket: "photos" });
    const renditions = await hashesBelow(join(base, "renditions"));
    const originals = new Set((await hashesBelow(card)).values());
    let compared = 0;
    for (const { Key = "" } of Contents) {
      assert.ok((await fetch(`${endpoint}/photos/${Key}`)).status >= 400, `${Key} opens without a signature`);
      const content = /\/originals\/(\w+)/.exec(Key)?.[1];
      if (content !== undefined) {
        const object = await admin.getObject({ Bucket: "photos", Key });
        assert.equal(sha256(Buffer.from((await object.Body?.transformToByteArray()) ?? [])), content);
        assert.ok(originals.delete(content), `${Key} is on the card`);
      }
      const name = /\/p\/([^/]+)$/.exec(Key)?.[1];
      if (name === undefined) continue;
      const object = await admin.getObject({ Bucket: "photos", Key });
      const made = await readFile(join(base, "renditions", name.slice(0, 2), name));
      assert.equal(
        sha256(Buffer.from((await object.Body?.transformToByteArray()) ?? [])),
        sha256(made),
        name,
      );
      compared++;
    }
    assert.deepEqual([compared, originals.size], [renditions.size, 0]);
    const again = await ingest();
    assert.deepEqual([again.bytesRead, again.puts, again.link], [0, 0, link]);

    const settings = loadSettings({ flags: {}, environment: env, cwd: folder, homeDir: folder });
    const checks = await aboutStore(settings, never);
    assert.ok(
      checks.every(({ isOk }) => isOk),
      JSON.stringify(checks),
    );
    const left = await admin.listObjectsV2({ Bucket: "photos" });
    assert.equal(left.KeyCount, Contents.length);
    t.diagnostic(`${compared} renditions byte-equal, ${puts} objects put in all`);
  });
});
