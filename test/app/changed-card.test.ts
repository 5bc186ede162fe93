import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

const FILM_BYTES = 8_000_000;
const FILMS = 6;

async function box(t: TestContext) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const films = Array.from({ length: FILMS }, (_, n) => [`DCIM/MVI_000${n}.MOV`, randomBytes(FILM_BYTES)]);
  const card = await makeCard(join(folder, "card"), Object.fromEntries(films));
  const ingest = ["ingest", card, "--base-dir", base, "--no-serve", "--json"];
  const originals = async () => hashesBelow(join(base, "originals"));
  return {
    folder,
    base,
    card,
    film: (n: number) => join(card, `DCIM/MVI_000${n}.MOV`),
    originals,
    async ingest(...more: string[]) {
      const { code, out, err } = await ghostroll([...ingest, ...more]);
      assert.ok(out.startsWith("{"), out + err);
      return { ...(JSON.parse(out) as Summary), code };
    },
    /** Ends it by SIGKILL once so many films have got their names. */
    async killAfter(films: number) {
      const run = start([...ingest, "--set", "COPY_WORKERS=1"]);
      const kept = async () => {
        const names = await readdir(join(base, "originals"), { recursive: true }).catch(() => []);
        return names.filter((name) => name.endsWith(".MOV")).length;
      };
      while ((await kept()) < films && run.child.exitCode === null) await delay(5);
      run.child.kill("SIGKILL");
      assert.equal((await run.ended).signal, "SIGKILL");
    },
    async keptNow() {
      const kept = new Set((await originals()).values());
      const missing = [...(await hashesBelow(card))].filter(([, hash]) => !kept.has(hash));
      return missing.map(([path]) => path);
    },
  };
}

describe("a card that is not what it was", () => {
  for (const rescan of ["sampled", "full"] as const)
    it(`is read again where a kept file was replaced by its twin after an interruption (${rescan})`, async (t) => {
      const { base, film, ingest, killAfter, keptNow } = await box(t);
      await killAfter(3);
      const names = await readdir(join(base, "originals"), { recursive: true });
      const kept = Number(/MVI_000(\d)/.exec(names.find((name) => name.endsWith(".MOV")) ?? "")?.[1]);
      const { mtime } = await stat(film(kept));
      await writeFile(film(kept), randomBytes(FILM_BYTES));
      await utimes(film(kept), mtime, mtime);
      const summary = await ingest("--rescan", rescan);
      assert.deepEqual(await keptNow(), []);
      assert.deepEqual([summary.code, summary.isRemovable, summary.failed], [0, true, 0]);
      assert.equal(summary.foundFiles, summary.knownFiles + summary.kept + summary.duplicates);
      assert.match(summary.verdicts.join(" "), /^Every file on the card is kept/);
    });

  it("is kept whole where the camera wrote its index again after an interruption", async (t) => {
    const { card, ingest, killAfter, keptNow } = await box(t);
    await mkdir(join(card, "MISC"));
    await writeFile(join(card, "MISC/INDEX.CTG"), "first");
    await utimes(join(card, "MISC/INDEX.CTG"), 1, 1);
    await killAfter(2);
    await writeFile(join(card, "MISC/INDEX.CTG"), "again");
    const summary = await ingest();
    assert.deepEqual([summary.code, summary.isRemovable], [0, true], summary.verdicts.join(" "));
    assert.deepEqual(await keptNow(), []);
  });

  it("is copied again as far as the library has lost it", async (t) => {
    const { base, ingest, originals, keptNow } = await box(t);
    assert.equal((await ingest()).kept, FILMS);
    const [first = ""] = [...(await originals()).keys()].filter((path) => path.endsWith(".MOV"));
    await rm(first);
    const again = await ingest();
    assert.deepEqual([again.code, again.kept, again.knownFiles], [0, 1, FILMS - 1]);
    assert.deepEqual(await keptNow(), []);
    await rm(join(base, "originals"), { recursive: true });
    await mkdir(join(base, "originals"));
    assert.equal((await ingest("--rescan", "stat")).kept, FILMS);
    assert.deepEqual(await keptNow(), []);
  });

  it("is not taken for kept while the library's disk is away, and nothing is made in its place", async (t) => {
    const { folder, base, card } = await box(t);
    const ingest = ["ingest", card, "--base-dir", base, "--no-serve"];
    const catalog = ["--set", `DB_PATH=${join(folder, "catalog.db")}`];
    assert.equal((await ghostroll([...ingest, ...catalog])).code, 0);
    await rename(base, `${base}-away`);
    const { code, err } = await ghostroll([...ingest, ...catalog]);
    assert.equal(code, 74, err);
    assert.match(err, /originals is not there.*is its disk mounted/);
    assert.equal(existsSync(base), false);
    await rename(`${base}-away`, base);
    assert.equal((await ghostroll([...ingest, ...catalog])).code, 0);
  });
});
