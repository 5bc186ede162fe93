import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import type { Verified } from "../../src/ingest/verify.ts";
import { pictureCard } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow, sha256 } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A card and the library it was taken into, once for all tests. */
const template = (async () => {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  folders.push(folder);
  const card = await pictureCard(join(folder, "card"), 6);
  const { code, err } = await ghostroll([
    "ingest",
    card,
    "--no-serve",
    "--base-dir",
    join(folder, "library"),
  ]);
  assert.equal(code, 0, err);
  return { card, base: join(folder, "library") };
})();

/** A library of its own for a test, with six pictures unless it is to be empty. */
async function library(t: TestContext, flags: readonly string[] = [], isEmpty = false) {
  const base = join(await tempFolder(t), "library");
  const { card, base: filled } = await template;
  if (!isEmpty) await cp(filled, base, { recursive: true, preserveTimestamps: true });
  const run = (...args: string[]) => ghostroll([...args, "--base-dir", base, ...flags]);
  const ingest = () => run("ingest", card, "--no-serve", "--rescan", "stat");
  const verify = async (...args: string[]) => {
    const { code, out, err } = await run("verify", "--json", ...args);
    assert.equal(err, "");
    return { code, ...(JSON.parse(out) as Verified) };
  };
  const originals = async () =>
    new Map([...(await hashesBelow(join(base, "originals")))].filter(([path]) => path.endsWith(".JPG")));
  return { base, card, run, ingest, verify, originals };
}

/** One bit in the middle: size and time stay as they were. */
async function rot(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe("ghostroll verify", () => {
  it("reads a share, says what it has not read, and has read all after so many runs", async (t) => {
    const { verify } = await library(t);
    let read = 0;
    for (let run = 1; run <= 3; run++) {
      const { code, cold, cached, unread, total } = await verify("--share", "3");
      assert.deepEqual([code, cold + cached, unread, total], [0, 2, 4, 6]);
      read += cold + cached;
    }
    assert.equal(read, 6);
    const all = await verify("--all");
    assert.deepEqual([all.code, all.cold + all.cached, all.unread], [0, 6, 0]);
  });

  it("finds one flipped bit and a missing file by name within the promised runs, and again until it is repaired", async (t) => {
    const { base, run, verify, originals } = await library(t);
    const [first = "", second = ""] = [...(await originals()).keys()];
    await rot(first);
    await rm(second);
    const found = new Map<string, string>();
    for (let n = 0; n < 3; n++)
      for (const { path, finding } of (await verify("--share", "3")).rot)
        found.set(join(base, path), finding);
    assert.deepEqual(
      found,
      new Map([
        [first, "changed"],
        [second, "missing"],
      ]),
    );
    const again = await verify("--share", "99");
    assert.deepEqual([again.code, again.rot.length], [3, 2]);
    const { code, out } = await run("verify");
    assert.equal(code, 3);
    assert.match(out, /IMG_000\d\.JPG: Its bytes are no longer those that were kept\./);
    assert.match(out, /--repair/);
  });

  it("repairs both from the second disk, and keeps the rotten one aside", async (t) => {
    const second = await tempFolder(t);
    const { base, ingest, verify, originals } = await library(t, ["--set", `SECOND_DIR=${second}`]);
    assert.equal((await ingest()).code, 0);
    const before = await originals();
    const [first = "", other = ""] = [...before.keys()];
    await rot(first);
    const rotten = sha256(await readFile(first));
    await rm(other);
    const repaired = await verify("--all", "--repair");
    assert.equal(repaired.code, 0);
    assert.deepEqual(
      repaired.rot.map(({ repairedFrom }) => repairedFrom),
      ["the second disk", "the second disk"],
    );
    assert.deepEqual(await originals(), before);
    assert.deepEqual([...(await hashesBelow(join(base, "rotten"))).values()], [rotten]);
    assert.deepEqual([(await verify("--all")).code, await readdir(join(base, "incoming"))], [0, []]);
  });

  it("does not repair with a copy that is no better, and says that there is none", async (t) => {
    const second = await tempFolder(t);
    const { run, ingest, originals } = await library(t, ["--set", `SECOND_DIR=${second}`]);
    await ingest();
    const [first = ""] = [...(await originals()).keys()];
    await rot(first);
    const rotten = sha256(await readFile(first));
    for (const [path] of await hashesBelow(join(second, "originals")))
      if (path.endsWith(".JPG")) await rot(path);
    const { code, out } = await run("verify", "--all", "--repair");
    assert.equal(code, 3);
    assert.match(out, /No good copy was found/);
    assert.equal(sha256(await readFile(first)), rotten);
  });

  it("lets the card heal what it still has, although it is known", async (t) => {
    const { base, card, ingest, verify, originals } = await library(t);
    const [first = ""] = [...(await originals()).keys()];
    await rm(first);
    assert.equal((await verify("--all")).code, 3);
    assert.equal((await ingest()).code, 0);
    assert.equal((await verify("--all")).code, 0);
    const onCard = new Set((await hashesBelow(card)).values());
    await assertComplete(base, onCard, 7);
  });

  it("calls nothing missing when the library's disk is away", async (t) => {
    const { base, run } = await library(t);
    await rename(join(base, "originals"), join(base, "away"));
    const { code, err } = await run("verify", "--all");
    assert.deepEqual([code, /is its disk mounted\?/.test(err)], [74, true], err);
    await rename(join(base, "away"), join(base, "originals"));
    assert.equal((await run("verify", "--all")).code, 0);
  });

  it("has nothing to say of an empty library", async (t) => {
    const { base, run } = await library(t, [], true);
    await mkdir(join(base, "originals"), { recursive: true });
    const { code, out } = await run("verify");
    assert.deepEqual([code, out], [0, "The library holds no originals yet.\n"]);
  });
});

describe("ghostroll doctor", () => {
  const checksOf = (out: string) =>
    new Map(
      (
        JSON.parse(out) as { checks: { check: string; isOk: boolean; says: string; fix: string | null }[] }
      ).checks.map((check) => [check.check, check]),
    );

  it("finds everything right in a library that is, also with a copy of the catalog", async (t) => {
    const { base, run } = await library(t);
    const saved = await run("backup");
    assert.deepEqual([saved.code, await readdir(join(base, "backups"))], [0, ["ghostroll-000001.db"]]);
    const { code, out } = await run("doctor", "--json");
    const wrong = [...checksOf(out).values()].filter(({ isOk, fix }) => !isOk || fix !== null);
    assert.deepEqual([code, wrong], [0, []]);
    assert.match((await run("doctor")).out, /^✔ catalog: sound$/m);
  });

  for (const [what, check, harm, says] of [
    ["an original that is gone", "originals", async (_: string, original: string) => rm(original), /1 of 6/],
    ["a lost catalog", "catalog", async (base: string) => rm(join(base, "ghostroll.db")), /missing/],
    [
      "a damaged catalog",
      "catalog",
      async (base: string) => {
        const path = join(base, "ghostroll.db");
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(0x5a, 8192, bytes.length - 4096));
      },
      /damaged|malformed/,
    ],
  ] as const)
    it(`names ${what} with its fix`, async (t) => {
      const { base, run, originals } = await library(t);
      const [first = ""] = [...(await originals()).keys()];
      await harm(base, first);
      const { code, out, err } = await run("doctor", "--json");
      assert.equal(err, "");
      const found = checksOf(out).get(check);
      assert.deepEqual([code, found?.isOk], [3, false], out);
      assert.match(found?.says ?? "", says);
      assert.match(found?.fix ?? "", /ghostroll (rebuild|verify)/);
    });

  it("makes nothing, and names a library that cannot be", async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, "file"), "");
    const fresh = await ghostroll(["doctor", "--json", "--base-dir", join(folder, "new/library")]);
    assert.deepEqual([fresh.code, await readdir(folder)], [0, ["file"]], fresh.out);
    const { code, out, err } = await ghostroll([
      "doctor",
      "--json",
      "--base-dir",
      join(folder, "file/library"),
    ]);
    const library = checksOf(out).get("library");
    assert.deepEqual([code, err, library?.isOk], [3, "", false]);
    assert.match(library?.fix ?? "", /GHOSTROLL_BASE_DIR/);
  });

  it("names a store that cannot be reached, a reserve that is not there, and a bad setting", async (t) => {
    const { base, run } = await library(t);
    const keys = "S3_BUCKET=photos S3_ENDPOINT=http://127.0.0.1:1 RESERVE_MB=1000000".split(" ");
    const away = await ghostroll(
      ["doctor", "--json", "--base-dir", base, ...keys.flatMap((pair) => ["--set", pair])],
      { env: { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" } },
    );
    const checks = checksOf(away.out);
    assert.deepEqual([away.code, checks.get("store")?.isOk, checks.get("space")?.isOk], [3, false, false]);
    assert.match(checks.get("store")?.fix ?? "", /GHOSTROLL_S3_ENDPOINT/);
    const bad = await run("doctor", "--json", "--set", "COPY_WORKERS=many");
    assert.deepEqual([bad.code, checksOf(bad.out).get("settings")?.isOk], [3, false]);
  });
});
