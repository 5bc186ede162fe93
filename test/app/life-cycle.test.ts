import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeCard, pictureCard } from "../support/card.ts";
import { daemon, times, until } from "../support/daemon.ts";
import { exfatCard } from "../support/exfat-card.ts";
import { start } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

describe("settings", () => {
  it("are read again on SIGHUP in the same process, and the card that is in is not taken in twice", async (t) => {
    const folder = await tempFolder(t);
    const [media, file] = [join(folder, "media"), join(folder, "settings.env")];
    const shelf = join(folder, "shelf");
    const common = `GHOSTROLL_MOUNT_ROOTS=${media}\nGHOSTROLL_BASE_DIR=${folder}/library\nGHOSTROLL_WEB_PORT=0\nGHOSTROLL_RESERVE_MB=0\n`;
    await writeFile(file, common);
    const first = await pictureCard(join(media, "FIRST"), 3);
    const second = await pictureCard(join(shelf, "SECOND"), 5);
    const contents = new Set([
      ...(await hashesBelow(first)).values(),
      ...(await hashesBelow(second)).values(),
    ]);
    const run = start(["watch"], { env: { GHOSTROLL_ENV_FILE: file }, cwd: folder });
    t.after(() => void run.child.kill("SIGKILL"));
    await until(run, (log) => times(log, "gallery complete") === 1);

    // A file that is wrong is named, and the daemon is as it was.
    await writeFile(file, `${common}GHOSTROLL_COPY_WORKERS=many\n`);
    run.child.kill("SIGHUP");
    await until(run, (log) =>
      log.some(({ msg }) => /COPY_WORKERS is "many" in .*settings\.env.* stay as they were/.test(msg)),
    );
    // One that cannot be worked with, too: it goes on with the old ones.
    await writeFile(file, `${common}GHOSTROLL_WEB_PORT=1\nGHOSTROLL_WEB_HOST=203.0.113.1\n`);
    run.child.kill("SIGHUP");
    await until(run, (log) => times(log, "waiting for cards") === 2);

    await writeFile(file, `${common}GHOSTROLL_LOG_LEVEL=debug\n`);
    run.child.kill("SIGHUP");
    await until(
      run,
      (log) => times(log, "waiting for cards") === 3 && times(log, "card taken in", "FIRST") === 2,
    );
    await rename(second, join(media, "SECOND"));
    const log = await until(run, (lines) => times(lines, "gallery complete") === 2);
    assert.ok(times(log, "file settled") > 0, "what only debug tells");
    assert.equal(times(log, "session opened"), 2, "a session for each card, whatever was read again");
    run.child.kill("SIGTERM");
    const { code, err } = await run.ended;
    assert.deepEqual([code, err], [0, ""], run.out());
    await assertComplete(join(folder, "library"), contents, contents.size);
  });
});

const skip = lacks("mkfs.exfat", "mount.exfat-fuse") || lacksRoot();
const FILM_HEAD = Buffer.from("\0\0\0\x14ftypqt  ");
const FILM_BYTES = 60_000_000;

describe("a daemon that is asked to end in the middle of a file", { skip }, () => {
  it("finishes the file first; asked twice it ends at once; and a restart goes on", {
    timeout: 120_000,
  }, async (t) => {
    const card = await exfatCard(t, 220 * 2 ** 20);
    await card.insert("rw");
    const onCard: Record<string, Uint8Array> = {};
    for (let n = 0; n < 3; n++)
      onCard[`DCIM/100CANON/MVI_000${n}.MOV`] = Buffer.concat([
        FILM_HEAD,
        randomBytes(FILM_BYTES - FILM_HEAD.length),
      ]);
    await makeCard(card.root, onCard);
    const contents = new Set((await hashesBelow(card.root)).values());
    card.eject();
    const { base, launch, stop } = await daemon(t, { MOUNT_ROOTS: dirname(card.root), COPY_WORKERS: "1" });
    const films = async () =>
      [...(await hashesBelow(join(base, "originals"))).keys()].filter((path) => path.endsWith(".MOV")).length;
    /** Stops the card in the middle of a film. */
    const midFile = async () => {
      const run = launch();
      // What an earlier run has left in the middle is swept by then.
      await until(run, (log) => times(log, "card listed") === 1);
      for (const untilMs = performance.now() + 30_000; ; await delay(2)) {
        assert.ok(performance.now() < untilMs, run.out());
        const parts = await readdir(join(base, "incoming")).catch(() => []);
        const isMidway = async () => {
          const files = await Promise.all(
            parts.map(async (part) => stat(join(base, "incoming", part)).catch(() => null)),
          );
          return files.some((file) => file !== null && file.size > 0 && file.size < FILM_BYTES);
        };
        if (!(await isMidway())) continue;
        card.hang();
        // What was asked for before still comes.
        await delay(200);
        if (await isMidway()) return run;
        card.answer();
      }
    };

    await card.insert("ro");
    const twice = await midFile();
    const startedMs = performance.now();
    twice.child.kill("SIGTERM");
    await delay(300);
    assert.equal(twice.child.exitCode, null, "it waits for the file");
    twice.child.kill("SIGTERM");
    assert.equal((await twice.ended).code, 130);
    t.diagnostic(`asked twice: ended after ${(performance.now() - startedMs).toFixed(0)} ms`);
    // Inserted again, so that nothing of it is in memory.
    card.eject();
    await card.insert("ro");

    const once = await midFile();
    const keptBefore = await films();
    once.child.kill("SIGTERM");
    await delay(1_000);
    assert.equal(once.child.exitCode, null, "it waits for the file");
    card.answer();
    const ended = await once.ended;
    assert.deepEqual([ended.code, ended.signal], [0, null], ended.out + ended.err);
    const keptNow = (await films()) - keptBefore;
    assert.equal(keptNow, 1, "the film that was under way is kept, and no other was begun");

    const again = launch();
    await until(again, (log) => times(log, "gallery complete") === 1, 60_000);
    await stop(again);
    await assertComplete(base, contents, 3);
  });
});
