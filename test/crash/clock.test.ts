import assert from "node:assert/strict";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { Chunk } from "../../src/gallery/format.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import { makeCard, picture } from "../support/card.ts";
import { clock } from "../support/clock.ts";
import { report } from "../support/figures.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertNothingLeft, assertSound, hashesBelow } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 16;
const never = new AbortController().signal;

/** Named against the order in which they were taken, and some files whose own dates nobody can believe. */
async function card(folder: string): Promise<{ source: string; onCard: Set<string> }> {
  const files: Record<string, Uint8Array | string> = {};
  for (let n = 0; n < PICTURES; n++) files[`DCIM/100CANON/IMG_${1000 - n}.JPG`] = await picture(n);
  await makeCard(folder, files);
  for (const [name, date] of [
    ["UNSET.WAV", "1980-01-01T00:00:00Z"],
    ["FUTURE.WAV", "2105-12-31T23:59:58Z"],
  ] as const) {
    await writeFile(join(folder, name), name);
    await utimes(join(folder, name), new Date(date), new Date(date));
  }
  return { source: folder, onCard: new Set((await hashesBelow(folder)).values()) };
}

/** The gallery as a guest sees it today: its pictures in the order of their taking, each link good. */
async function assertGallery(base: string, link: string): Promise<void> {
  const store = await openDirectoryStore({
    root: join(base, "store"),
    secretFile: join(base, "link-secret"),
    baseUrl: "http://guest/o/",
    linkSeconds: 3600,
  });
  const opens = async (address: string) => {
    const { pathname, searchParams } = new URL(address);
    return (await store.resolveSigned(pathname.replace("/o/", ""), searchParams, Date.now())).status;
  };
  assert.equal(await opens(link), 200, link);
  const taken: (number | null)[] = [];
  for await (const key of store.list("g", never)) {
    const text = gunzipIf(await store.get(key, never));
    assert.doesNotMatch(text, /NaN|Invalid Date|undefined/, key);
    if (!/\/m\/\d+\.json$/.test(key)) continue;
    const { links, entries } = JSON.parse(text) as Chunk;
    for (const [hash, thumb, , , takenSeconds] of entries) {
      taken.push(takenSeconds);
      assert.equal(await opens(`${links.folder}p/${hash}-thumb.jpg${links.tail}${thumb}`), 200);
    }
  }
  const expected = Array.from({ length: PICTURES }, (_, n) => Date.UTC(2026, 5, 1, 10, n) / 1000);
  assert.deepEqual(taken, expected, "in the order in which they were taken");
  await store.close();
}

function gunzipIf(bytes: Uint8Array | null): string {
  if (bytes === null) return "";
  return bytes[0] === 0x1f ? gunzipSync(bytes).toString() : "";
}

/** Sessions are filed by the camera's dates, whatever the box believes. */
async function assertFolders(base: string): Promise<void> {
  const years = await readdir(join(base, "originals"));
  assert.deepEqual(years, ["2026"]);
  assert.deepEqual(await readdir(join(base, "originals/2026")), ["2026-06-01"]);
  const [session = ""] = await readdir(join(base, "originals/2026/2026-06-01"));
  assert.match(session, /^0001-[0-9a-f]{4}$/);
}

const linkIn = (out: string): string => /http:\S+\/o\/g\/\S+/.exec(out)?.[0] ?? "";

describe("a box whose clock is wrong", { skip: lacks("faketime") }, () => {
  const ingest = (source: string, base: string) => [
    "ingest",
    source,
    "--base-dir",
    base,
    "--no-serve",
    "--set",
    "RESERVE_MB=0",
  ];

  it("keeps everything in 1970, says that no link would open, and makes the gallery once the clock is set", async (t) => {
    const folder = await tempFolder(t);
    const { source, onCard } = await card(join(folder, "card"));
    const base = join(folder, "library");
    const env = clock({ FAKETIME: "@1970-01-01 00:05:00" });
    const unset = await ghostroll(ingest(source, base), { env });
    assert.equal(unset.code, 75, unset.out + unset.err);
    assert.match(unset.out, /Every file on the card is kept/);
    assert.match(unset.out, /clock of this machine shows 1970-01-01.*Set the clock/);
    assert.equal(linkIn(unset.out), "");
    assert.equal((await assertSound(base, onCard)).kept, onCard.size);
    await assertFolders(base);

    const set = await ghostroll(ingest(source, base));
    assert.equal(set.code, 0, set.out + set.err);
    await assertComplete(base, onCard, PICTURES);
    await assertGallery(base, linkIn(set.out));

    // A clock that is lost again spoils nothing that is there.
    const lost = await ghostroll(["sessions", "--base-dir", base], { env });
    assert.deepEqual([lost.code, linkIn(lost.out)], [0, ""]);
    assert.match(lost.out, /No links now: The clock/);
    report(t, { harness: "clock at 1970", tried: 1, hit: 1 });
  });

  it("works as ever in 2040, and its links open when the clock is right again", async (t) => {
    const folder = await tempFolder(t);
    const { source, onCard } = await card(join(folder, "card"));
    const base = join(folder, "library");
    const env = clock({ FAKETIME: "@2040-02-29 12:00:00" });
    const { code, out, err } = await ghostroll(ingest(source, base), { env });
    assert.equal(code, 0, out + err);
    await assertComplete(base, onCard, PICTURES);
    await assertFolders(base);
    // The stated limit: such a link lives until 2040, since nothing on this machine says that the clock is ahead.
    await assertGallery(base, linkIn(out));
    const again = await ghostroll(ingest(source, base));
    assert.match(again.out, /Nothing new on card/);
    report(t, { harness: "clock at 2040", tried: 1, hit: 1 });
  });

  it("works as ever while the clock jumps back and ahead by a day", async (t) => {
    const folder = await tempFolder(t);
    const { source, onCard } = await card(join(folder, "card"));
    const [base, offset] = [join(folder, "library"), join(folder, "offset")];
    await writeFile(offset, "+0");
    const env = clock({ FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: "1" });
    const run = start([...ingest(source, base), "--set", "COPY_WORKERS=1"], { env });
    t.after(() => void run.child.kill("SIGKILL"));
    let jumps = 0;
    for (const [files, jump] of [
      [2, "-1d"],
      [5, "+1d"],
      [8, "-1d"],
      [12, "+1d"],
    ] as const) {
      while ((await hashesBelow(join(base, "originals"))).size < files && run.child.exitCode === null)
        await delay(5);
      await writeFile(offset, jump);
      if (run.child.exitCode === null) jumps++;
    }
    const { code, out, err } = await run.ended;
    assert.equal(code, 0, out + err);
    await assertComplete(base, onCard, PICTURES);
    await assertFolders(base);
    await assertGallery(base, linkIn(out));
    assert.equal(jumps, 4, "it was through before the clock had jumped: nothing was tested");
    report(t, {
      harness: "clock jumping ±1 day",
      tried: 4,
      hit: jumps,
    });
  });

  it("signs links to a bucket by the server's time, and none while neither clock nor server can be had", async (t) => {
    const folder = await tempFolder(t);
    const { source, onCard } = await card(join(folder, "card"));
    const base = join(folder, "library");
    const server = await startFlakyS3("photos");
    const bucket = {
      ...clock({ FAKETIME: "@1970-01-01 00:05:00" }),
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    const isOfNow = (text: string) => {
      const [, year = "", month = "", day = ""] = /X-Amz-Date=(\d{4})(\d\d)(\d\d)T000000Z/.exec(text) ?? [];
      return Math.abs(Date.parse(`${year}-${month}-${day}`) - Date.now()) < 2 * 86_400_000;
    };
    const { code, out, err } = await ghostroll(
      ingest(source, base).filter((arg) => arg !== "--no-serve"),
      { env: bucket },
    );
    assert.equal(code, 0, out + err);
    assert.ok(isOfNow(out), out);
    await assertNothingLeft(base, onCard);
    const online = await ghostroll(["sessions", "--base-dir", base], { env: bucket });
    assert.ok(isOfNow(online.out), online.out);
    await server.close();
    const offline = await ghostroll(["sessions", "--base-dir", base], { env: bucket });
    assert.equal(offline.code, 0, offline.err);
    assert.doesNotMatch(offline.out, /X-Amz-Date/);
    assert.match(offline.out, /No links now: The clock of this machine shows 1970-01-01/);
  });
});
