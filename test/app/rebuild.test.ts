import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import Database from "better-sqlite3";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

/** What a rebuild has to bring back, and the delivery after it; not when an original was last read. */
const ROWS = {
  volume: "*",
  session: "id, name, volume, label, day, slug, store, is_offloaded, is_published",
  original: "hash, size_bytes, path, kind, content_type, session",
  card_file: "session, path, size_bytes, modified_ms, state, hash, failure, reason",
  fingerprint: "*",
  picture: "*",
  rendition: "*",
  object: "*",
};

function rowsOf(base: string): Record<string, unknown[]> {
  const catalog = new Database(join(base, "ghostroll.db"), { readonly: true });
  try {
    return Object.fromEntries(
      Object.entries(ROWS).map(([table, columns]) => [
        table,
        catalog.prepare(`SELECT ${columns} FROM ${table} ORDER BY 1, 2`).all(),
      ]),
    );
  } finally {
    catalog.close();
  }
}

/** Two cards: duplicates within and between them, a broken picture, a link, names that are not UTF-8 or ours. */
async function cards(folder: string): Promise<string[]> {
  const first = await pictureCard(join(folder, "first"), 8);
  await makeCard(first, {
    "DCIM/102COPY/AGAIN.JPG": await picture(2),
    "DCIM/102COPY/BROKEN.JPG": Buffer.from("\xff\xd8\xff this is no picture", "latin1"),
    "session.json": "not ours",
  });
  await writeFile(Buffer.from(`${first}/DCIM/caf\xe9\n.txt`, "latin1"), "odd name");
  await symlink("/etc/hostname", join(first, "DCIM/link"));
  const second = await makeCard(join(folder, "second"), {
    "DCIM/100NIKON/IMG_0001.JPG": await picture(50),
    "DCIM/100NIKON/IMG_0002.JPG": await picture(3),
  });
  return [first, second];
}

async function library(t: TestContext) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const run = (...args: string[]) => ghostroll([...args, "--base-dir", base]);
  const ingest = async (card: string) => {
    // The address is part of every link: another port would be another gallery.
    const address = ["WEB_PORT=0", "WEB_URL=http://ghostroll.test"].flatMap((pair) => ["--set", pair]);
    const { out, err } = await run("ingest", card, "--json", "--rescan", "stat", ...address);
    assert.doesNotMatch(err, /bug/, err);
    return JSON.parse(out) as Summary;
  };
  const lose = async () => {
    for (const name of await readdir(base))
      if (/^ghostroll\.db(-wal|-shm)?$/.test(name)) await rm(join(base, name));
  };
  const sessionFolder = async () => {
    const [manifest = ""] = [...(await hashesBelow(join(base, "originals"))).keys()].filter((path) =>
      path.endsWith("SHA256SUMS"),
    );
    return dirname(manifest);
  };
  return { folder, base, run, ingest, lose, sessionFolder };
}

const TIMES = IS_LONG ? 20 : 5;

describe("a catalog that is lost", () => {
  it(`comes back with the same rows and links, and nothing is uploaded again: ${TIMES} times`, {
    timeout: 60_000 + TIMES * 20_000,
  }, async (t) => {
    const { folder, base, run, ingest, lose } = await library(t);
    const [first = "", second = ""] = await cards(folder);
    await ingest(first);
    await ingest(second);
    const [before, links] = [
      rowsOf(base),
      JSON.parse((await run("sessions", "--json")).out) as { link: string }[],
    ];
    const store = await hashesBelow(join(base, "store/objects"));
    for (let n = 0; n < TIMES; n++) {
      await lose();
      const rebuilt = await run("rebuild", "--json", ...(n % 2 === 0 ? [] : ["--verify"]));
      assert.equal(rebuilt.code, 0, rebuilt.err + rebuilt.out);
      const { puts, bytesRead, kept, duplicates } = await ingest(first);
      assert.deepEqual(
        { puts, bytesRead, kept, duplicates },
        { puts: 0, bytesRead: 0, kept: 0, duplicates: 0 },
      );
      assert.deepEqual(rowsOf(base), before);
    }
    assert.deepEqual(await hashesBelow(join(base, "store/objects")), store);
    const after = JSON.parse((await run("sessions", "--json")).out) as { link: string }[];
    assert.deepEqual(
      after.map(({ link }) => link),
      links.map(({ link }) => link),
    );
    report(t, { harness: "catalog deleted, rebuilt", tried: TIMES, hit: TIMES });
  });

  it("is not mistaken for a new library, whether its file is gone or empty", async (t) => {
    const { folder, base, run, ingest, lose } = await library(t);
    const card = await pictureCard(join(folder, "card"), 2);
    await ingest(card);
    await lose();
    for (const harm of [lose, () => writeFile(join(base, "ghostroll.db"), "")]) {
      await harm();
      const { code, err } = await run("ingest", card, "--no-serve");
      assert.deepEqual([code, /ghostroll rebuild/.test(err)], [74, true], err);
    }
    assert.equal((await run("rebuild")).code, 0);
    assert.equal((await ingest(card)).puts, 0);
  });

  it("that is damaged is put aside with every byte, and replaced", async (t) => {
    const { folder, base, run, ingest } = await library(t);
    const card = await pictureCard(join(folder, "card"), 2);
    await ingest(card);
    await writeFile(join(base, "ghostroll.db"), "shot to pieces".repeat(1000));
    const refused = await run("ingest", card, "--no-serve");
    assert.deepEqual([refused.code, /ghostroll rebuild/.test(refused.err)], [74, true], refused.err);
    const { code, out } = await run("rebuild");
    assert.equal(code, 0);
    assert.match(out, /ghostroll\.db\.old-1/);
    assert.match(await readFile(join(base, "ghostroll.db.old-1"), "utf8"), /^shot to pieces/);
    assert.equal((await ingest(card)).puts, 0);
  });

  it("comes back from SHA256SUMS where there is no session.json; the card is read and found to be kept", async (t) => {
    const { folder, base, run, ingest, lose, sessionFolder } = await library(t);
    const card = await pictureCard(join(folder, "card"), 4);
    await ingest(card);
    const before = rowsOf(base);
    await rm(join(await sessionFolder(), "session.json"));
    await lose();
    const { code, out } = await run("rebuild");
    assert.equal(code, 0, out);
    assert.match(out, /Without a whole session\.json/);
    assert.deepEqual(rowsOf(base)["original"], before["original"]);
    const { kept, duplicates } = await ingest(card);
    assert.deepEqual([kept, duplicates], [0, 4]);
    // The new link outlives the next loss.
    const slugs = () => (rowsOf(base)["session"] as { slug: string }[]).map(({ slug }) => slug);
    const slug = slugs();
    await lose();
    assert.equal((await run("rebuild")).code, 0);
    assert.deepEqual(slugs(), slug);
  });

  it("adopts files that no manifest names, leaves doubles and strays alone, and names what is not as it was", async (t) => {
    const { folder, base, run, ingest, lose, sessionFolder } = await library(t);
    const card = await pictureCard(join(folder, "card"), 4);
    await ingest(card);
    const session = await sessionFolder();
    const [gone, short, flipped] = ["100CANON/IMG_0001", "100CANON/IMG_0002", "101NIKON/IMG_0001"].map(
      (name) => join(session, `DCIM/${name}.JPG`),
    ) as [string, string, string];
    await rm(gone);
    await writeFile(short, (await readFile(short)).subarray(0, 1000));
    const bytes = await readFile(flipped);
    await writeFile(flipped, bytes.with(500, (bytes[500] ?? 0) ^ 1));
    await writeFile(join(session, "DCIM/orphan.JPG"), await picture(77));
    await writeFile(join(session, "DCIM/double.JPG"), await picture(3));
    await writeFile(join(base, "originals/by-hand.JPG"), "mine");
    const onDisk = await hashesBelow(join(base, "originals"));
    await lose();
    const { code, out } = await run("rebuild", "--verify", "--json");
    const said = JSON.parse(out) as { adopted: string[]; leftAlone: string[]; troubles: { name: string }[] };
    assert.equal(code, 3);
    const names = (paths: readonly string[]) => paths.map((path) => basename(path));
    assert.deepEqual(names(said.adopted), ["IMG_0002.JPG", "IMG_0001.JPG", "orphan.JPG"]);
    assert.deepEqual(names(said.leftAlone), ["double.JPG", "by-hand.JPG"]);
    assert.deepEqual(
      said.troubles.map(({ name }) => join(base, name)),
      [gone, short, flipped].toSorted(),
    );
    assert.deepEqual(await hashesBelow(join(base, "originals")), onDisk, "the library is as it was");
    // The card gives again what was not as it should be.
    const { kept, failed } = await ingest(card);
    assert.deepEqual([kept >= 3, failed], [true, 0]);
    const verified = await run("verify", "--all", "--json");
    assert.equal(verified.code, 0, verified.out);
    const contents = new Set((rowsOf(base)["original"] as { hash: string }[]).map(({ hash }) => hash));
    for (const hash of (await hashesBelow(card)).values()) assert.ok(contents.has(hash));
  });

  it("is not rebuilt while the library's disk is away", async (t) => {
    const { folder, base, run, ingest } = await library(t);
    await ingest(await pictureCard(join(folder, "card"), 2));
    const before = rowsOf(base);
    await rename(join(base, "originals"), join(folder, "away"));
    const { code, err } = await run("rebuild");
    assert.deepEqual([code, /is its disk mounted\?/.test(err)], [74, true], err);
    assert.deepEqual(rowsOf(base), before);
  });

  it("takes the copy of a session's folder for no second session, nor two sessions of one number for one", async (t) => {
    const { folder, base, run, ingest, lose, sessionFolder } = await library(t);
    const card = await pictureCard(join(folder, "card"), 2);
    await ingest(card);
    const session = await sessionFolder();
    const other = join(dirname(session), "0001-ffff");
    await mkdir(other);
    await writeFile(join(other, "A.JPG"), await picture(60));
    const copy = join(base, "originals/undated/undated", basename(session));
    await mkdir(copy, { recursive: true });
    await writeFile(join(copy, "B.JPG"), await picture(61));
    await lose();
    const { code, out } = await run("rebuild", "--json");
    assert.equal(code, 0, out);
    const rows = rowsOf(base)["session"] as { id: number; name: string }[];
    assert.deepEqual(
      rows.map(({ id }) => id),
      [1, 2],
    );
    assert.ok(out.includes("B.JPG"));
  });
});
