import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { loadavg } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { captureFromFile } from "../../src/domain/capture.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { keys } from "../../src/domain/layout.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import { publish } from "../../src/ingest/publish.ts";
import { signAgain } from "../../src/ingest/sign-again.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure } from "../contracts/new-object.ts";
import { templates } from "../support/gallery-store.ts";
import { tempFolder } from "../support/temp.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 20, 9);
const never = new AbortController().signal;
const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));

const amazon: S3Options = {
  bucket: "our-photos",
  prefix: "box",
  region: "eu-central-1",
  forcePathStyle: false,
  linkSeconds: 604_800,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI" },
};

/** A session of so many photos whose pictures are in the store, and a way to publish it from a process just started. */
async function gallery(t: TestContext, photos: number, isBehindAnother = false) {
  const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
  t.after(() => catalog.close());
  const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
  if (isBehindAnother) {
    const { id } = catalog.openSession(volume, "2026-11-19", [], { gallery: "party", station: "pi" });
    catalog.beginDelivery(id);
    catalog.markPublished(id, true);
  }
  const files = Array.from({ length: photos }, (_, n) => ({
    path: Buffer.from(`DCIM/IMG_${n}.JPG`),
    sizeBytes: 9,
    modifiedMs: START_MS + n * 7000,
  }));
  const session = catalog.openSession(volume, "2026-11-20", files);
  catalog.find(session.id, files);
  catalog.beginDelivery(session.id);
  const media = mediaByName("x.jpg");
  catalog.settle(
    session,
    catalog.pending(session.id).map((file, n) => ({
      to: "stored" as const,
      file,
      copy: { hash: hashOf(`${n}`), headHash: hashOf(`${n}`), sizeBytes: 9, media, part: "/nowhere" },
      path: `originals/${n}.JPG`,
    })),
  );
  const kept = catalog.stored(session.id, photos);
  const rendition = (preset: "share" | "thumb", width: number) => ({
    preset,
    width,
    height: Math.round((width * 2) / 3),
    sizeBytes: 9,
    sha256: hashOf(preset),
  });
  const derived = {
    renditions: [rendition("share", 2048), rendition("thumb", 480)],
    color: "336699",
    note: null,
  };
  catalog.markRendered(kept.map((file) => ({ file, derived, capture: captureFromFile(file.modifiedMs) })));
  catalog.markUploaded(kept.map(({ id }) => id));
  catalog.finishOffload(session.id);

  const put: string[] = [];
  const started = async (nowMs: number, other: Partial<S3Options> = {}) => {
    const { sign } = await openS3Store({ ...amazon, ...other, now: () => nowMs });
    const store = {
      sign,
      put: async ({ key }: { key: string }) => void put.push(key),
      // As another version of GhostRoll may have written it.
      get: async () => Buffer.from("what a shared gallery is called"),
    } as unknown as Ports["store"];
    const pictures = { preview: async () => ({ bytes: Buffer.from("jpeg"), sha256: hashOf("jpeg") }) };
    return { catalog, store, pictures, galleries: openGalleries({ templates }) } as unknown as Ports;
  };
  return {
    catalog,
    session,
    put: () => put.splice(0),
    publish: async (nowMs: number) => publish(session, "complete", "", await started(nowMs), never),
    /** Once a day and whenever the daemon looks. */
    async signAgain(nowMs: number, other: Partial<S3Options> = {}) {
      const { signed, failure: failed } = await signAgain("", await started(nowMs, other), never, () => nowMs); // biome-ignore format: one line
      if (failed !== null) throw failed;
      return signed;
    },
  };
}

describe("a gallery that is signed again", () => {
  it("of 5,000 photos on the same day costs no put and two seconds at most, or less than its first publication", async (t) => {
    const { catalog, session, put, ...again } = await gallery(t, 5000);
    const first = process.cpuUsage();
    await again.publish(START_MS);
    const published = process.cpuUsage(first);
    const publishedMs = (published.user + published.system) / 1000;
    t.diagnostic(`published with ${Math.round(publishedMs)} ms of processor`);
    assert.ok(put().length > 140);
    assert.deepEqual(await again.signAgain(START_MS + 3_600_000), [], "nothing has changed");
    // As if the day, a key or the way of sharing had changed: everything is signed, made and compared.
    const round = async () => {
      catalog.linksPut(session.id, "otherwise", START_MS + 7 * DAY_MS);
      const [beganMs, began] = [performance.now(), process.cpuUsage()];
      assert.deepEqual(await again.signAgain(START_MS + 2 * 3_600_000), [session.name]);
      const { user, system } = process.cpuUsage(began);
      assert.deepEqual(put(), []);
      const cpuMs = (user + system) / 1000;
      t.diagnostic(`5,000 photos signed again: 0 puts, ${Math.round(performance.now() - beganMs)} ms, ${Math.round(cpuMs)} ms of processor, load ${loadavg()[0]?.toFixed(1)}`); // biome-ignore format: one line
      return cpuMs;
    };
    // A slow processor, or one that others use as well, was so for the first publication, too.
    let cpuMs = Number.POSITIVE_INFINITY;
    for (let left = 3; left > 0 && cpuMs > 2000; left--) cpuMs = Math.min(cpuMs, await round());
    assert.ok(cpuMs <= Math.max(2000, publishedMs), `${cpuMs} ms of processor, ${publishedMs} to publish it`);
  });

  it("changes pages and no picture: the next day, and at once when the keys are others", async (t) => {
    const { session, put, ...again } = await gallery(t, 100);
    await again.publish(START_MS);
    put();
    for (const [nowMs, other] of [
      [START_MS + DAY_MS, {}],
      [START_MS + DAY_MS, { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "rotated" } }],
    ] as const) {
      assert.deepEqual(await again.signAgain(nowMs, other), [session.name]);
      const changed = put();
      // Two chunks, two numbered pages, index and shell.
      assert.equal(changed.length, 6, changed.join());
      assert.equal(changed.at(-1), `g/${session.slug}/v`, "what others refer to comes first");
      assert.deepEqual([await again.signAgain(nowMs, other), put()], [[], []]);
    }
  });

  it("is left alone once the link that guests have has ended, until it is renewed", async (t) => {
    const { catalog, session, put, ...again } = await gallery(t, 3);
    await again.publish(START_MS);
    put();
    const late = START_MS + 8 * DAY_MS;
    assert.deepEqual([await again.signAgain(late), put()], [[], []]);
    catalog.renew(session.id);
    assert.deepEqual(await again.signAgain(late), [session.name]);
    assert.equal(catalog.published()[0]?.linkEndsMs, Date.UTC(2026, 10, 28) + 7 * DAY_MS);
  });

  it("is not, while the clock was never set: nothing is put", async (t) => {
    const { put, ...again } = await gallery(t, 3);
    await again.publish(START_MS);
    put();
    // Nobody there says what time it is, either.
    const away = { endpoint: "http://127.0.0.1:9", forcePathStyle: true };
    await assert.rejects(again.signAgain(Date.UTC(1970, 0, 1), away), failure("clock-unset"));
    assert.deepEqual(put(), []);
  });

  it("is so behind one that cannot be, for which a failure is told", async (t) => {
    const { session, put, ...again } = await gallery(t, 3, true);
    await again.publish(START_MS);
    put();
    await assert.rejects(again.signAgain(START_MS + DAY_MS), failure("remote-corrupt"));
    assert.equal(put().at(-1), keys.shell(session.slug));
  });
});
