import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import Database from "better-sqlite3";
import { pictureCard } from "../support/card.ts";
import { clock } from "../support/clock.ts";
import { addressesIn, statusesOf } from "../support/crawl.ts";
import type { Running } from "../support/ghostroll.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { lacks } from "../support/needs.ts";
import { provider } from "../support/provider.ts";
import { pagesPolicy } from "../support/public-pages.ts";
import { startRadosgw } from "../support/radosgw.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 5;
const SOON_MS = 60_000;

/** A box with one card, whose daemon runs. */
async function box(
  t: TestContext,
  settings: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
) {
  const folder = await tempFolder(t);
  const [base, roots] = [join(folder, "library"), join(folder, "media")];
  await mkdir(roots);
  const all = {
    BASE_DIR: base,
    MOUNT_ROOTS: roots,
    RESERVE_MB: "0",
    WEB_PORT: "0",
    S3_PREFIX_ROOT: "box",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const launch = () => {
    const run = start(["watch", ...flags], { env });
    t.after(() => void run.child.kill("SIGKILL"));
    return run;
  };
  let daemon: Running = launch();
  let earlier = "";
  const out = () => earlier + daemon.out();
  const times = (words: string) => out().split(words).length - 1;
  /** Waits for it, telling the daemon every other second to look at its links now instead of within five minutes. */
  const until = async (what: string, isSo: () => Promise<boolean> | boolean) => {
    for (const endMs = performance.now() + SOON_MS; performance.now() < endMs; await delay(2500)) {
      if (await isSo()) return;
      const catalog = new Database(join(base, "ghostroll.db"), { timeout: 5000 });
      // Whatever another process writes is taken for a wish; a row without a change would be no write.
      catalog.exec("INSERT INTO volume VALUES ('nobody', 'nothing'); DELETE FROM volume WHERE id = 'nobody'");
      catalog.close();
    }
    assert.fail(`${what} did not come within ${SOON_MS} ms:\n${out()}`);
  };
  await rename(await pictureCard(join(folder, "EOS"), PICTURES), join(roots, "EOS"));
  for (const endMs = performance.now() + SOON_MS; times('"gallery complete"') === 0; await delay(200))
    assert.ok(performance.now() < endMs, out());
  return {
    times,
    until,
    command: async (...args: string[]) => {
      const { code, out: said, err } = await ghostroll([...args, ...flags], { env });
      assert.equal(code, 0, said + err);
      return said;
    },
    restart: async () => {
      daemon.child.kill("SIGTERM");
      assert.equal((await daemon.ended).code, 0);
      earlier += daemon.out();
      daemon = launch();
    },
    end: async () => {
      daemon.child.kill("SIGTERM");
      assert.equal((await daemon.ended).code, 0);
    },
  };
}

const linkIn = (json: string) => (JSON.parse(json) as { link: string }).link;
const allOpen = async (link: string) => {
  const statuses = await statusesOf(await addressesIn(link));
  assert.ok(statuses.length > 2 * PICTURES);
  return statuses.every((status) => status === 200);
};

describe("eight days, by the clock of a real server and of the box", {
  skip: lacks("radosgw", "faketime"),
}, () => {
  it("keep a gallery of mode capability open every day; one behind a presigned link warns once, ends, and is renewed", {
    timeout: 240_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const [itsClock, ourClock] = [join(folder, "server"), join(folder, "box")];
    // In one step: a file that is empty for a moment would be a jump back to today.
    const set = async (file: string, day: number) => {
      await writeFile(`${file}.next`, `+${day}d`);
      await rename(`${file}.next`, file);
    };
    await set(itsClock, 0);
    await set(ourClock, 0);
    const server = await startRadosgw(clock({ FAKETIME_TIMESTAMP_FILE: itsClock }));
    assert.ok(server);
    t.after(() => server.stop());
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    t.after(() => admin.destroy());
    const [open, closed] = [`ghostroll-${randomUUID()}`, `ghostroll-${randomUUID()}`];
    for (const Bucket of [open, closed]) await admin.createBucket({ Bucket });
    await admin.putBucketPolicy({ Bucket: open, Policy: pagesPolicy(open, "box") });
    const { url, heard } = await provider(t, { status: 200 });
    const beganMs = Date.now();
    const setDay = async (day: number) => {
      await set(itsClock, day);
      const shows = async () => Date.parse((await fetch(endpoint)).headers.get("date") ?? "");
      while ((await shows()) < beganMs + (day - 0.5) * 86_400_000) await delay(100);
      // The box last: a server that is behind would be taken for the one that is right.
      await set(ourClock, day);
    };
    const env = {
      ...clock({ FAKETIME_TIMESTAMP_FILE: ourClock }),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const common = { S3_ENDPOINT: endpoint, TEXT_TO: `webhook:${url}/owner` };
    const [capability, presigned] = await Promise.all([
      box(t, { ...common, S3_BUCKET: open, SHARE: "capability" }, env),
      box(t, { ...common, S3_BUCKET: closed }, env),
    ]);
    const [lasting, ending] = [
      linkIn(await capability.command("link", "last", "--json")),
      linkIn(await presigned.command("link", "last", "--json")),
    ];
    const warnings = () => heard.filter(({ body }) => body.includes('"link-ends"')).length;

    for (let day = 1; day <= 8; day++) {
      await setDay(day);
      await capability.until(`links of day ${day}`, () => capability.times('"links renewed"') >= day);
      assert.ok(await allOpen(lasting), `day ${day}`);
      if (day <= 6) {
        await presigned.until(`links of day ${day}`, () => presigned.times('"links renewed"') >= day);
        assert.ok(await allOpen(ending), `day ${day}`);
        assert.equal(presigned.times("share 0001"), day < 6 ? 0 : 1, `day ${day}`);
      } else assert.equal((await fetch(ending)).status, 403, `day ${day}`);
      if (day === 6) {
        await presigned.until("the warning", () => warnings() === 1);
        assert.match(
          await presigned.command("status"),
          /\(EOS\): its link ends on .*share 0001-\w{4} --renew/,
        );
        await presigned.restart();
      }
    }
    assert.equal(warnings(), 1);
    assert.match(await presigned.command("sessions"), /link ended/);
    const renewed = linkIn(await presigned.command("share", "last", "--renew", "--json"));
    assert.ok(await allOpen(renewed));
    assert.equal((await fetch(ending)).status, 403);
    assert.equal(warnings(), 1);
    t.diagnostic(
      "8 days: the capability page and its pictures open on each; the presigned one on 6, warned of once, renewed on the 8th",
    );
    await Promise.all([capability.end(), presigned.end()]);
  });
});
