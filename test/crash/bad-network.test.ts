import assert from "node:assert/strict";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { makeCard, pictureCard } from "../support/card.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { IS_LONG, report } from "../support/figures.ts";
import type { FlakyS3 } from "../support/flaky-s3.ts";
import { assertDelivered } from "../support/gallery-in-store.ts";
import { start } from "../support/ghostroll.ts";
import { assertNothingLeft, hashesBelow, sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const MEBIBYTE = 1024 * 1024;
/** Each makes three objects: share picture, thumb, original. */
const PICTURES = IS_LONG ? 660 : 30;
const FILM_BYTES = (IS_LONG ? 200 : 24) * MEBIBYTE;
const BLACK_MS = IS_LONG ? 60_000 : 2000;
const PATIENCE_MS = IS_LONG ? 1_800_000 : 150_000;
const DAY_MS = 86_400_000;
/** A tenth of all requests goes wrong. */
const ODDS = { busy: 0.03, drop: 0.02, resetBefore: 0.02, resetAfter: 0.02, lie: 0.01 };
const BYTES_PER_SECOND = 25_000_000;
const BUCKET = `bad-${randomUUID()}`;
const never = new AbortController().signal;

const server = await startRadosgw();
const skip = server === null && lacks("radosgw");
const { accessKeyId, secretAccessKey, endpoint = "" } = server ?? { accessKeyId: "x", secretAccessKey: "y" };
const common = { region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } };
after(() => server?.stop());

/** Everything in the bucket. */
async function contents(admin: S3): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await admin.listObjectsV2({ Bucket: BUCKET, ...more });
    for (const { Key = "" } of page.Contents ?? []) {
      const { Body } = await admin.getObject({ Bucket: BUCKET, Key });
      found.set(Key, Buffer.from((await Body?.transformToByteArray()) ?? []));
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return found;
}

/** Memory that a process has now, in MiB (proc(5)); 0 once it is gone. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
}

describe("a network that throttles, drops, resets, refuses, lies and goes black", { skip }, () => {
  it("brings every picture, page and original there all the same, and leaves neither parts nor sockets nor memory behind", {
    timeout: PATIENCE_MS + 60_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const [roots, base] = [join(folder, "media"), join(folder, "library")];
    await mkdir(roots);
    const card = await pictureCard(join(folder, "shelf/CARD"), PICTURES);
    const film = randomBytes(FILM_BYTES);
    await makeCard(card, { "DCIM/100CANON/MVI_1.MP4": film });
    const onCard = new Set((await hashesBelow(card)).values());
    const admin = new S3({ ...common, endpoint });
    await admin.createBucket({ Bucket: BUCKET });
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const proxy = await startFaultProxy(endpoint, seed);
    proxy.misbehave({ odds: ODDS, bytesPerSecond: BYTES_PER_SECOND });
    const flags = {
      MOUNT_ROOTS: roots,
      BASE_DIR: base,
      RESERVE_MB: "0",
      UPLOAD_ORIGINALS: "all",
      WEB_PORT: "0",
    };
    const run = start(
      ["watch", ...Object.entries(flags).flatMap(([name, value]) => ["--set", `${name}=${value}`])],
      {
        env: {
          GHOSTROLL_S3_BUCKET: BUCKET,
          GHOSTROLL_S3_ENDPOINT: proxy.endpoint,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
        },
      },
    );
    t.after(async () => {
      run.child.kill("SIGKILL");
      await proxy.close();
      admin.destroy();
    });
    await rename(card, join(roots, "CARD"));

    const memory: number[] = [];
    const untilMs = performance.now() + PATIENCE_MS;
    const until = async (what: string, isSo: () => boolean) => {
      for (let tries = 0; !isSo(); tries++) {
        assert.ok(
          run.child.exitCode === null && performance.now() < untilMs,
          `${what} did not come:\n${run.out()}`,
        );
        if (tries % 10 === 0) memory.push(await residentMiB(run.child.pid ?? 0));
        await delay(100);
      }
    };
    // All of the film is on its way then: a part of it is cut off.
    await until(
      "half of the film",
      () => (proxy.bytesTo.get(`/${BUCKET}/ghostroll/originals/${sha256(film)}.mp4`) ?? 0) > FILM_BYTES / 2,
    );
    proxy.goBlack(true);
    await delay(BLACK_MS);
    proxy.goBlack(false);
    await until("everything", () => run.out().includes('"msg":"originals in the bucket"'));
    const { open } = proxy.sockets;
    run.child.kill("SIGTERM");
    assert.equal((await run.ended).code, 0);

    await assertNothingLeft(base, onCard);
    const objects = await contents(admin);
    const stored: FlakyS3["objects"] = new Map(
      [...objects].map(([key, bytes]) => {
        const headers: Record<string, string> =
          bytes.readUInt16BE(0) === 0x1f8b ? { "content-encoding": "gzip" } : {};
        return [key, { bytes, headers, isWhole: true }];
      }),
    );
    const { tiles, complete } = assertDelivered(
      join(base, "ghostroll.db"),
      { objects: stored },
      BUCKET,
      "ghostroll/",
    );
    assert.deepEqual([tiles, complete], [PICTURES + 1, 1]);
    const originals = [...objects].filter(([key]) => key.includes("/originals/"));
    assert.deepEqual(new Set(originals.map(([, bytes]) => sha256(bytes))), onCard);

    // An upload whose beginning was never heard of is known to nobody: the sweep finds it.
    const uploads = async () => (await admin.listMultipartUploads({ Bucket: BUCKET })).Uploads ?? [];
    const unheard = (await uploads()).length;
    const later = await openS3Store({
      ...common,
      endpoint,
      bucket: BUCKET,
      prefix: "ghostroll",
      linkSeconds: 60,
      now: () => Date.now() + 5 * DAY_MS,
    });
    await later.has("nothing", never);
    await later.sweep(never);
    await later.close();
    assert.deepEqual(await uploads(), []);

    const dealt = Object.values(proxy.dealt).reduce((sum, times) => sum + times, 0);
    const third = Math.max(1, Math.ceil(memory.length / 3));
    const [early, late] = [Math.max(...memory.slice(0, third)), Math.max(...memory.slice(-third))];
    t.diagnostic(
      `${objects.size} objects and ${(proxy.bodyBytes / 1e6).toFixed(0)} MB in ${proxy.requests} requests, ${JSON.stringify(proxy.dealt)}, black for ${BLACK_MS} ms`,
    );
    t.diagnostic(
      `uploads begun unheard and swept: ${unheard}; connections at most ${proxy.sockets.most}, ${open} at the end`,
    );
    t.diagnostic(
      `memory of the daemon: at most ${early} MiB in the first third of the time, ${late} in the last`,
    );
    report(t, {
      harness: "a bad network",
      tried: proxy.requests,
      hit: dealt,
    });
    assert.ok(proxy.sockets.most <= 50, "more connections than the pool has");
    assert.ok(late <= early * 1.5 + 50, "memory grows");
    assert.ok(dealt > proxy.requests / 20, "hardly anything went wrong");
  });
});
