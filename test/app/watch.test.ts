import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { pictureCard } from "../support/card.ts";
import type { Line } from "../support/daemon.ts";
import { logOf, times, until } from "../support/daemon.ts";
import { start } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { provider } from "../support/provider.ts";
import { tempFolder } from "../support/temp.ts";

const galleries = (log: Line[]) => log.filter(({ msg }) => msg === "gallery complete").length;

async function daemon(t: TestContext) {
  const folder = await tempFolder(t);
  const [roots, base, shelf] = [join(folder, "media"), join(folder, "library"), join(folder, "shelf")];
  await mkdir(roots);
  const said = join(folder, "said");
  const command = `echo "$GHOSTROLL_EVENT $GHOSTROLL_MESSAGE" >> ${said}`;
  const settings = { MOUNT_ROOTS: roots, BASE_DIR: base, WEB_PORT: "0", ON_EVENT: command };
  const launch = (more: Readonly<Record<string, string>> = {}) => {
    const all = Object.entries({ ...settings, ...more });
    const env = { AWS_ACCESS_KEY_ID: "KEY", AWS_SECRET_ACCESS_KEY: "SECRET" };
    const run = start(["watch", ...all.flatMap(([key, value]) => ["--set", `${key}=${value}`])], { env });
    t.after(() => void run.child.kill("SIGKILL"));
    return run;
  };
  return { roots, base, shelf, said, launch };
}

describe("the daemon", () => {
  it("takes in a card that is there at its start and one that comes later, each once, and ends when asked", async (t) => {
    const { roots, base, shelf, launch } = await daemon(t);
    const first = await pictureCard(join(roots, "FIRST"), 6);
    const second = await pictureCard(join(shelf, "SECOND"), 10);
    const run = launch();
    await until(run, (log) => galleries(log) === 1);
    await rename(second, join(roots, "SECOND"));
    await until(run, (log) => galleries(log) === 2);
    // Longer than two scans: a card that stays in is not taken in again.
    await delay(5000);
    assert.equal(logOf(run).filter(({ msg }) => msg === "card inserted").length, 2);
    run.child.kill("SIGTERM");
    const { code, err } = await run.ended;
    assert.deepEqual([code, err], [0, ""]);
    const contents = new Set([
      ...(await hashesBelow(first)).values(),
      ...(await hashesBelow(join(roots, "SECOND"))).values(),
    ]);
    assert.deepEqual(
      await readdir(join(base, "backups")),
      ["ghostroll-000001.db"],
      "once a day, not once a card",
    );
    // The first six pictures of the second card are those of the first: kept once, shown in the gallery that had them first.
    await assertComplete(base, contents, contents.size);
  });

  it("goes on after a restart where it was stopped, without the card", async (t) => {
    const { roots, base, launch } = await daemon(t);
    await pictureCard(join(roots, "CARD"), 30);
    const contents = new Set((await hashesBelow(join(roots, "CARD"))).values());
    const run = launch();
    await until(run, (log) => log.some(({ msg }) => msg === "session opened"));
    await until(run, (log) => log.some(({ msg }) => msg === "card taken in") || galleries(log) > 0);
    run.child.kill("SIGKILL");
    await run.ended;
    await rm(join(roots, "CARD"), { recursive: true });
    const again = launch();
    // All may have been done before the kill; it ends well on its own only once it listens.
    await until(again, (log) => times(log, "waiting for cards") === 1);
    await until(again, (log) => galleries(log) === 1 || galleries(logOf(run)) === 1);
    again.child.kill("SIGTERM");
    assert.equal((await again.ended).code, 0);
    await assertComplete(base, contents, contents.size);
  });

  it("tells the user's command what happens to a card, once each, with the link", async (t) => {
    const { roots, said, launch } = await daemon(t);
    await pictureCard(join(roots, "CARD"), 2);
    const run = launch();
    await until(run, (log) => galleries(log) === 1);
    run.child.kill("SIGTERM");
    await run.ended;
    const lines = (await readFile(said, "utf8")).trim().split("\n");
    const events = lines.map((line) => line.split(" ")[0]);
    assert.equal(events.length, 4);
    assert.deepEqual(
      new Set(events),
      new Set(["card-inserted", "card-kept", "gallery-complete", "gallery-open"]),
    );
    assert.match(lines.join("\n"), /gallery-complete .*2 photos\. http:\/\/\S+s=[\w-]+$/m);
  });

  it("logs nothing that opens a gallery, neither of one that is complete nor of one that cannot be put", async (t) => {
    const { roots, base, launch } = await daemon(t);
    await pictureCard(join(roots, "CARD"), 2);
    const full = await provider(t, { status: 507 });
    const bucket = { S3_BUCKET: "photos", S3_ENDPOINT: full.url, SHARE: "capability", ON_EVENT: "" };
    for (const [settings, end] of [
      [bucket, "remote-full"],
      [{}, "gallery complete"],
    ] as const) {
      const run = launch(settings);
      await until(run, (log) => log.some(({ msg, code }) => msg === end || code === end));
      run.child.kill("SIGTERM");
      await run.ended;
      assert.doesNotMatch(run.out(), /[?&]s=[\w-]{10}/);
      const catalog = openCatalog(join(base, "ghostroll.db"), "any");
      const [session] = catalog.allSessions();
      catalog.close();
      assert.ok(session && !run.out().includes(session.slug), run.out());
      if (end !== "remote-full") continue;
      const line = logOf(run).find(({ code }) => code === end);
      assert.deepEqual(
        [line?.["session"], /put g\/\(hidden\)\//.test(String(line?.["cause"]))],
        [session.name, true],
      );
    }
  });
});
