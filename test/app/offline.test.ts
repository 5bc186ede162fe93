import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Summary } from "../../src/app/summary.ts";
import { pictureCard } from "../support/card.ts";
import { deadPort } from "../support/dead-port.ts";
import type { FlakyS3 } from "../support/flaky-s3.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
import { assertDelivered } from "../support/gallery-in-store.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertNothingLeft, assertSound, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

const BUCKET = "photos";
/** Waits between attempts are 5 s at first and then 10; a busy machine takes its time as well. */
const SOON_MS = 60_000;

const bucketAt = (port: number): Record<string, string> => ({
  GHOSTROLL_S3_BUCKET: BUCKET,
  GHOSTROLL_S3_ENDPOINT: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "secret",
});

async function until(what: string, run: Running, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const untilMs = performance.now() + SOON_MS; performance.now() < untilMs; await delay(100))
    if (await isSo()) return;
  assert.fail(`${what} did not come within ${SOON_MS} ms:\n${run.out()}`);
}

const times = (run: Running, words: string): number => run.out().split(`"msg":"${words}`).length - 1;
/** What the daemon says when it may be taken out; the proof of it follows when the daemon rests. */
const isSafe = (run: Running, cards: number) => () => times(run, "Every file on the card is kept") === cards;
const isComplete = (run: Running, galleries: number) => () => times(run, "gallery complete") === galleries;

async function box(t: TestContext, port: number) {
  const folder = await tempFolder(t);
  const [roots, base, shelf] = [join(folder, "media"), join(folder, "library"), join(folder, "shelf")];
  await mkdir(roots);
  const settings = { MOUNT_ROOTS: roots, BASE_DIR: base, WEB_PORT: "0", RESERVE_MB: "0" };
  const launch = () => {
    const flags = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const run = start(["watch", ...flags], { env: bucketAt(port) });
    t.after(() => void run.child.kill("SIGKILL"));
    return run;
  };
  const insert = async (label: string, pictures: number) => {
    const card = await pictureCard(join(shelf, label), pictures);
    const contents = [...(await hashesBelow(card)).values()];
    await rename(card, join(roots, label));
    return { contents, remove: () => rm(join(roots, label), { recursive: true }) };
  };
  return { base, launch, insert };
}

async function assertAllThere(base: string, server: FlakyS3, contents: readonly string[]): Promise<void> {
  const all = new Set(contents);
  await assertNothingLeft(base, all);
  const { uploaded, tiles } = assertDelivered(join(base, "ghostroll.db"), server, BUCKET, "ghostroll/");
  assert.deepEqual([uploaded, tiles], [all.size, all.size]);
}

describe("offline from the first second", () => {
  it("an ingest keeps everything and says that it is safe, and the next one delivers without reading again", async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const card = await pictureCard(join(folder, "card"), 8);
    const contents = [...(await hashesBelow(card)).values()];
    const port = await deadPort();
    const args = ["ingest", card, "--base-dir", base, "--set", "RESERVE_MB=0", "--rescan", "stat"];
    const offline = await ghostroll(args, { env: bucketAt(port) });
    assert.equal(offline.code, 75, offline.out + offline.err);
    assert.match(offline.out, /Every file on the card is kept/);
    assert.match(offline.out, /The gallery is not complete: .*cannot be reached.*The originals are kept/);
    assert.equal((await assertSound(base, new Set(contents))).kept, 8);

    const server = await startFlakyS3(BUCKET, { port });
    t.after(() => server.close());
    const online = await ghostroll([...args, "--json"], { env: bucketAt(port) });
    assert.equal(online.code, 0, online.out + online.err);
    const { bytesRead, knownFiles, link } = JSON.parse(online.out) as Summary;
    assert.deepEqual([bytesRead, knownFiles], [0, 8]);
    assert.match(link ?? "", /^http.*\/g\//);
    await assertAllThere(base, server, contents);
  });

  it("the daemon keeps every card, and its galleries appear by themselves when the network is back", async (t) => {
    const port = await deadPort();
    const { base, launch, insert } = await box(t, port);
    const run = launch();
    const first = await insert("FIRST", 4);
    await until("the first card", run, isSafe(run, 1));
    await until("a word of the network", run, () => times(run, "waiting for the network") === 1);
    await first.remove();
    const second = await insert("SECOND", 8);
    const contents = [...first.contents, ...second.contents];
    await until("the second card", run, isSafe(run, 2));
    await second.remove();
    // Longer than a wait: it tries, and says nothing more.
    await delay(6000);
    assert.equal(times(run, "waiting for the network"), 1);

    const server = await startFlakyS3(BUCKET, { port });
    t.after(() => server.close());
    await until("both galleries", run, isComplete(run, 2));
    run.child.kill("SIGTERM");
    assert.equal((await run.ended).code, 0);
    await assertAllThere(base, server, contents);
  });

  it("a gallery appears by itself also when the daemon was killed meanwhile and the card is gone", async (t) => {
    const port = await deadPort();
    const { base, launch, insert } = await box(t, port);
    const before = launch();
    const { contents, remove } = await insert("CARD", 6);
    await until("the card", before, isSafe(before, 1));
    before.child.kill("SIGKILL");
    await before.ended;
    assert.equal((await assertSound(base, new Set(contents))).kept, contents.length);
    await remove();
    const run = launch();
    await until("a word of the network", run, () => times(run, "waiting for the network") === 1);
    const server = await startFlakyS3(BUCKET, { port });
    t.after(() => server.close());
    await until("the gallery", run, isComplete(run, 1));
    run.child.kill("SIGTERM");
    assert.equal((await run.ended).code, 0);
    await assertAllThere(base, server, contents);
  });

  it("a store that accepts and never answers keeps no card from being kept, and nobody from ending the daemon", async (t) => {
    const server = await startFlakyS3(BUCKET);
    t.after(() => server.close());
    server.misbehave({ hole: 1 });
    const { base, launch, insert } = await box(t, server.port);
    const before = launch();
    const { contents, remove } = await insert("CARD", 6);
    await until("the card", before, isSafe(before, 1));
    await until("a request", before, () => server.dealt.hole > 0);
    before.child.kill("SIGTERM");
    assert.equal((await before.ended).code, 0);
    assert.equal((await assertSound(base, new Set(contents))).kept, contents.length);
    await remove();
    server.misbehave({});
    const run = launch();
    await until("the gallery", run, isComplete(run, 1));
    run.child.kill("SIGTERM");
    await run.ended;
    await assertAllThere(base, server, contents);
  });

  it("a store that never answers holds the first card's gallery, and never the second card", async (t) => {
    const hole = createServer(() => {});
    await once(hole.listen(0, "127.0.0.1"), "listening");
    t.after(() => void hole.close());
    const { port } = hole.address() as { port: number };
    const { launch, insert } = await box(t, port);
    const run = launch();
    await insert("FIRST", 3);
    await until("the first card", run, isSafe(run, 1));
    await insert("SECOND", 5);
    // The store would be given up after a minute without a byte; a person with a second card does not wait that long.
    const askedMs = performance.now();
    await until("the second card", run, isSafe(run, 2));
    assert.ok(performance.now() - askedMs < 30_000);
    run.child.kill("SIGTERM");
    assert.equal((await run.ended).code, 0);
  });
});
