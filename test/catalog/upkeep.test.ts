import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import Database from "better-sqlite3";
import { lastBackUpMs, replaceCatalog } from "../../src/catalog/backup.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { examineCatalog } from "../../src/catalog/examine.ts";
import { openConnection } from "../../src/catalog/open.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { FINDINGS } from "../../src/domain/finding.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { tempFolder } from "../support/temp.ts";

const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));
const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
const file = (name: string) => ({ path: new TextEncoder().encode(name), sizeBytes: 4, modifiedMs: 1000 });
const copyOf = (text: string) => ({
  hash: hashOf(text),
  headHash: hashOf(`head ${text}`),
  sizeBytes: 4,
  media: mediaByName("x.jpg"),
  part: "/nowhere",
});

function keep(catalog: Catalog, names: readonly string[]) {
  const session = catalog.openSession(volume, "2026-06-15", names.map(file));
  catalog.find(session.id, names.map(file));
  const rows = catalog.pending(session.id);
  catalog.settle(
    session,
    rows.map((row, i) => ({
      to: "stored",
      file: row,
      copy: copyOf(`${names[i]}`),
      path: `o/${session.name}/${names[i]}`,
    })),
  );
  return session;
}

async function catalogOf(t: TestContext, names: readonly string[]) {
  const folder = await tempFolder(t);
  const catalog = openCatalog(join(folder, "c.db"), "store");
  t.after(() => catalog.close());
  return { folder, catalog, session: keep(catalog, names) };
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => `${String(i).padStart(3, "0")}.jpg`);

describe("the catalog, about reading originals back", () => {
  it("knows in SQL exactly the findings of the domain", async (t) => {
    const connection = openConnection(join(await tempFolder(t), "c.db"));
    const sql = String(
      connection.prepare("SELECT sql FROM sqlite_schema WHERE name = 'original'").pluck().get(),
    );
    const inSql = /CHECK \(finding IN \(([^)]*)\)/.exec(sql)?.[1]?.match(/\w+/g);
    assert.deepEqual(inSql?.toSorted(), Object.keys(FINDINGS).toSorted());
    connection.close();
  });

  it("gives those read longest ago first, so that so many shares are everything, while new ones come", async (t) => {
    const { catalog } = await catalogOf(t, numbered(20));
    const read = new Set<string>();
    for (let run = 1; run <= 5; run++) {
      assert.equal(catalog.nextRun(), run);
      const share = catalog.due(run, 4);
      for (const { hash } of share) read.add(hash);
      catalog.markRead(
        run,
        share.map(({ hash }) => ({ hash, finding: null })),
      );
      // Just proved when it was kept, so it must not push aside what waits.
      keep(catalog, [`new ${run}.jpg`]);
    }
    assert.deepEqual([...read].toSorted(), numbered(20).map(hashOf).toSorted());
  });

  it("gives what was rotten first, and never twice in one run", async (t) => {
    const { catalog } = await catalogOf(t, numbered(3));
    catalog.markRead(1, [{ hash: hashOf("002.jpg"), finding: "changed" }]);
    assert.deepEqual(
      catalog.due(2, 9).map(({ hash }) => hash),
      ["002.jpg", "000.jpg", "001.jpg"].map(hashOf),
    );
    assert.deepEqual(catalog.originals(), { originals: 3, bytes: 12, findings: 1 });
    catalog.markRead(2, [{ hash: hashOf("002.jpg"), finding: "changed" }]);
    assert.deepEqual(
      catalog.due(2, 9).map(({ hash }) => hash),
      ["000.jpg", "001.jpg"].map(hashOf),
    );
  });

  it("no longer knows a rotten file of a card, so that the card is read again, and heals when it is kept again", async (t) => {
    const { catalog } = await catalogOf(t, ["a.jpg", "b.jpg"]);
    catalog.markRead(1, [{ hash: hashOf("a.jpg"), finding: "missing" }]);
    assert.deepEqual([...catalog.known(volume.id).keys()], ["b.jpg"]);
    assert.equal(catalog.original(hashOf("a.jpg")), null);
    keep(catalog, ["a.jpg"]);
    assert.deepEqual([...catalog.known(volume.id).keys()].toSorted(), ["a.jpg", "b.jpg"]);
    assert.equal(catalog.originals().findings, 0);
    assert.match(catalog.original(hashOf("a.jpg"))?.path ?? "", /^o\/0002-/);
  });
});

describe("copies of the catalog", () => {
  it("are whole, numbered without a clock, and the newest seven", async (t) => {
    const { folder, catalog } = await catalogOf(t, ["a.jpg"]);
    const backups = join(folder, "backups");
    assert.equal(lastBackUpMs(backups), null);
    for (let n = 1; n <= 9; n++) await catalog.backUp(backups);
    // By number, whatever the clock said.
    await utimes(join(backups, "ghostroll-000009.db"), 1000, 1000);
    assert.equal(lastBackUpMs(backups), 1_000_000);
    assert.deepEqual(
      (await readdir(backups)).toSorted(),
      [3, 4, 5, 6, 7, 8, 9].map((n) => `ghostroll-00000${n}.db`),
    );
    // Usable in the place of the catalog as it is.
    const copy = openCatalog(join(backups, "ghostroll-000009.db"), "store");
    assert.equal(copy.known(volume.id).size, 1);
    copy.close();
  });

  it("take no half copy of a broken-off backup for one, nor a foreign file", async (t) => {
    const { folder, catalog } = await catalogOf(t, ["a.jpg"]);
    const backups = join(folder, "backups");
    await mkdir(backups);
    await writeFile(join(backups, "ghostroll-000001.db.tmp"), "half");
    await writeFile(join(backups, "mine.db"), "mine");
    assert.equal(await catalog.backUp(backups), join(backups, "ghostroll-000001.db"));
    assert.deepEqual((await readdir(backups)).toSorted(), ["ghostroll-000001.db", "mine.db"]);
  });

  it("put a new one in the place of a damaged one, which keeps every byte, its log included", async (t) => {
    const folder = await tempFolder(t);
    const [path, fresh] = [join(folder, "c.db"), join(folder, "c.db.new")];
    for (const end of ["", "-wal", "-shm"]) await writeFile(path + end, `damaged${end}`);
    for (const number of [1, 2]) {
      openCatalog(fresh, "store").close();
      const aside = await replaceCatalog(path, fresh);
      assert.equal(aside, `${path}.old-${number}`);
      openCatalog(path, "store").close();
    }
    for (const end of ["", "-wal", "-shm"])
      assert.equal(await readFile(`${path}.old-1${end}`, "utf8"), `damaged${end}`);
  });
});

describe("a look at the catalog", () => {
  it("finds it sound, pages through every original, and makes none", async (t) => {
    const { folder } = await catalogOf(t, numbered(300));
    const look = examineCatalog(join(folder, "c.db"));
    assert.ok(look);
    assert.deepEqual(look.problems(), []);
    assert.deepEqual(look.counts(), { sessions: 1, originals: 300, bytes: 1200, findings: 0 });
    const paths = [...look.originals()].flat().map(({ path }) => path);
    assert.equal(new Set(paths).size, 300);
    look.close();
    assert.equal(examineCatalog(join(folder, "none.db")), null);
  });

  it("names a row that refers to nothing", async (t) => {
    const { folder } = await catalogOf(t, ["a.jpg"]);
    const raw = new Database(join(folder, "c.db"));
    raw.pragma("foreign_keys = OFF");
    raw.exec("UPDATE card_file SET session = 99");
    raw.close();
    const look = examineCatalog(join(folder, "c.db"));
    assert.match(look?.problems().join() ?? "", /card_file refers to no session/);
    look?.close();
  });
});

describe("the catalog, about a card of which everything was kept", () => {
  const digest = "a".repeat(64);

  it("remembers how it looked, and gives the originals of all that is known of it", async (t) => {
    const { catalog, session } = await catalogOf(t, ["a.jpg", "b.jpg"]);
    assert.equal(catalog.keptListing(volume.id), null);
    catalog.keepListing(volume.id, digest, 2);
    assert.deepEqual({ ...catalog.keptListing(volume.id) }, { digest, files: 2 });
    assert.deepEqual(
      catalog.originalsOf(volume.id).map((row) => ({ ...row })),
      ["a.jpg", "b.jpg"].map((name) => ({ path: `o/${session.name}/${name}`, sizeBytes: 4 })),
    );
  });

  it("forgets it with the first file that is kept of it, and with the first finding, but not for another card", async (t) => {
    const { catalog } = await catalogOf(t, ["a.jpg"]);
    const look = () => catalog.keptListing(volume.id);
    catalog.keepListing(volume.id, digest, 1);
    const other = { ...volume, id: "v2" as VolumeId };
    const session = catalog.openSession(other, "2026-06-15", [file("c.jpg")]);
    catalog.find(session.id, [file("c.jpg")]);
    const [row] = catalog.pending(session.id);
    assert.ok(row);
    catalog.settle(session, [{ to: "stored", file: row, copy: copyOf("c.jpg"), path: "o/c.jpg" }]);
    assert.notEqual(look(), null);

    keep(catalog, ["b.jpg"]);
    assert.equal(look(), null);
    catalog.keepListing(volume.id, digest, 2);
    catalog.markRead(catalog.nextRun(), [{ hash: hashOf("a.jpg"), finding: null }]);
    assert.notEqual(look(), null);
    catalog.markRead(catalog.nextRun(), [{ hash: hashOf("a.jpg"), finding: "missing" }]);
    assert.equal(look(), null);
  });
});
