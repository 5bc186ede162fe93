import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { openCatalog, readSessions } from "../../src/catalog/catalog.ts";
import { isLocked, lockLibrary } from "../../src/catalog/lock.ts";
import { MIGRATIONS } from "../../src/catalog/migrations.ts";
import { openConnection } from "../../src/catalog/open.ts";
import { captureFromFile } from "../../src/domain/capture.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { FILE_STATES } from "../../src/domain/file-state.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import type { Session } from "../../src/domain/session.ts";
import { tempFolder } from "../support/temp.ts";

const LOCK = new URL("../../src/catalog/lock.ts", import.meta.url).href;
const path = (text: string) => new TextEncoder().encode(text);
const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));
const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
const file = (name: string) => ({ path: path(name), sizeBytes: name.length, modifiedMs: 1_750_000_000_000 });
const copyOf = (text: string) => ({
  hash: hashOf(text),
  headHash: hashOf(`head ${text}`),
  sizeBytes: text.length,
  media: mediaByName("x.jpg"),
  part: "/nowhere",
});
const derived = {
  renditions: [{ preset: "thumb" as const, width: 3, height: 2, sizeBytes: 9, sha256: hashOf("thumb") }],
  color: "336699",
  note: null,
};

/** Opens a session with these files, each stored under its own content. */
function keep(catalog: Catalog, names: readonly string[]): Session {
  const session = catalog.openSession(volume, "2026-06-15", names.map(file));
  catalog.find(session.id, names.map(file));
  catalog.settle(
    session,
    catalog.pending(session.id).map((row, i) => ({
      to: "stored" as const,
      file: row,
      copy: copyOf(`${names[i]}`),
      path: `o/${session.name}/${names[i]}`,
    })),
  );
  return session;
}

describe("the catalog", () => {
  it("gives the record of a session in pages, each file once, in order, without those of other sessions", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const names = Array.from({ length: 600 }, (_, n) => `a${n}`);
    keep(catalog, ["before"]);
    const session = keep(catalog, names);
    keep(catalog, ["after"]);
    const recorded = [...catalog.record(session).files].map(({ path: bytes }) =>
      new TextDecoder().decode(bytes),
    );
    assert.deepEqual(recorded, names);
    catalog.close();
  });

  it("survives a power cut at each commit: WAL, synchronous FULL, foreign keys on", async (t) => {
    const connection = openConnection(join(await tempFolder(t), "c.db"));
    assert.equal(connection.pragma("journal_mode", { simple: true }), "wal");
    assert.equal(connection.pragma("synchronous", { simple: true }), 2);
    assert.equal(connection.pragma("foreign_keys", { simple: true }), 1);
    connection.close();
  });

  it("allows in SQL exactly the states of the domain", async (t) => {
    const connection = openConnection(join(await tempFolder(t), "c.db"));
    const sql = String(
      connection.prepare("SELECT sql FROM sqlite_schema WHERE name = 'card_file'").pluck().get(),
    );
    const inSql = /CHECK \(state IN \(([^)]*)\)/.exec(sql)?.[1]?.match(/\w+/g);
    assert.deepEqual(inSql?.toSorted(), FILE_STATES.toSorted());
    connection.close();
  });

  it("refuses one that a newer GhostRoll wrote, and leaves it as it is", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    openConnection(db).close();
    const raw = new Database(db);
    raw.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    // It may keep its journal in another way, too.
    raw.pragma("journal_mode = DELETE");
    raw.close();
    const before = await readFile(db);
    assert.throws(() => openConnection(db), { code: "catalog-unusable", message: /newer GhostRoll/ });
    assert.ok(before.equals(await readFile(db)));
  });

  it("refuses another program's database and a file that is none, with the setting that helps", async (t) => {
    const folder = await tempFolder(t);
    const foreign = new Database(join(folder, "foreign.db"));
    foreign.exec("CREATE TABLE theirs (x)");
    foreign.close();
    const before = await readFile(join(folder, "foreign.db"));
    assert.throws(() => openConnection(join(folder, "foreign.db")), {
      code: "catalog-unusable",
      message: /GHOSTROLL_DB_PATH/,
    });
    assert.ok(before.equals(await readFile(join(folder, "foreign.db"))), "not a byte of it was changed");
    await writeFile(join(folder, "junk.db"), "this is not a database, however long it may be".repeat(20));
    assert.throws(() => openConnection(join(folder, "junk.db")), { code: "catalog-unusable" });
  });

  it("lets one process at a time write to a library, and the next one when that ends", async (t) => {
    const lock = join(await tempFolder(t), "lock");
    const release = lockLibrary(lock);
    assert.throws(() => lockLibrary(lock), { code: "catalog-busy" });
    assert.equal(isLocked(lock), true);
    release();
    assert.equal(isLocked(lock), false);
    lockLibrary(lock)();
  });

  it("lets a process begin beside one that asks all the time whether somebody works on the library, and takes neither for the other", async (t) => {
    const lock = join(await tempFolder(t), "lock");
    lockLibrary(lock)();
    const asking = `import { isLocked } from ${JSON.stringify(LOCK)};
      process.stdout.write("asking");
      for (;;) isLocked(${JSON.stringify(lock)});`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", asking]);
    try {
      await once(child.stdout, "data");
      for (let starts = 0; starts < 200; starts++) {
        lockLibrary(lock)();
        assert.equal(isLocked(lock), false, "who asks is not at work");
      }
      assert.equal(child.exitCode, null);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("tells known files by volume and path, with names that are not UTF-8", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const odd = { path: new Uint8Array([0x44, 0xe9, 0x0a, 0x2e, 0x4a]), sizeBytes: 5, modifiedMs: 7 };
    const session = catalog.openSession(volume, "undated", [odd]);
    catalog.find(session.id, [odd]);
    const [row] = catalog.pending(session.id);
    assert.ok(row);
    catalog.settle(session, [{ to: "stored", file: row, copy: copyOf("x"), path: "o/x" }]);
    const known = catalog.known(volume.id);
    assert.deepEqual([...known.keys()], ["D\u00e9\n.J"]);
    assert.equal(known.get("D\u00e9\n.J")?.hash, hashOf("x"));
    assert.equal(catalog.known("v2" as VolumeId).size, 0);
    catalog.close();
  });

  it("settles a batch as a whole or not at all", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const session = catalog.openSession(volume, "undated", []);
    catalog.find(session.id, [file("a"), file("b")]);
    const [a, b] = catalog.pending(session.id);
    assert.ok(a && b);
    const good = { to: "stored", file: a, copy: copyOf("a"), path: "o/a" } as const;
    assert.throws(() =>
      catalog.settle(session, [good, { to: "duplicate", file: { ...b, id: 999 }, copy: copyOf("a") }]),
    );
    assert.equal(catalog.tally(session.id).kept, 0);
    assert.equal(catalog.original(hashOf("a")), null);
    catalog.settle(session, [good, { to: "duplicate", file: b, copy: copyOf("a") }]);
    const { found, kept, duplicates, failed } = catalog.tally(session.id);
    assert.deepEqual({ found, kept, duplicates, failed }, { found: 2, kept: 1, duplicates: 1, failed: 0 });
    catalog.close();
  });

  it("moves a file on only from the state it is believed to be in", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const session = keep(catalog, ["a.jpg"]);
    const [kept] = catalog.stored(session.id, 10);
    assert.ok(kept);
    assert.throws(() => catalog.markUploaded([kept.id]), { code: "catalog-unusable" });
    catalog.markRendered([{ file: kept, derived, capture: captureFromFile(kept.modifiedMs) }]);
    catalog.markUploaded([kept.id]);
    assert.throws(() => catalog.markUploaded([kept.id]), { code: "catalog-unusable" });
    assert.equal(catalog.tally(session.id).uploaded, 1);
    catalog.close();
  });

  it("tries failed files again in the session they failed in, and opens none for them alone", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const session = catalog.openSession(volume, "undated", [file("bad")]);
    catalog.find(session.id, [file("bad")]);
    const [bad] = catalog.pending(session.id);
    assert.ok(bad);
    catalog.settle(session, [
      { to: "failed", file: bad, code: "file-unreadable", reason: "It could not be read." },
    ]);
    catalog.finishOffload(session.id);
    assert.deepEqual(catalog.troubles(session.id), [{ name: "bad", reason: "It could not be read." }]);
    const again = catalog.openSession(volume, "undated", [file("bad")]);
    assert.equal(again.id, session.id);
    catalog.find(again.id, [file("bad")]);
    assert.equal(catalog.pending(again.id).length, 1);
    assert.deepEqual(catalog.troubles(again.id), []);
    assert.notEqual(catalog.openSession(volume, "undated", [file("other")]).id, session.id);
    catalog.close();
  });

  it("puts a gallery again, whole, when it goes to another store", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    let catalog = openCatalog(db, "first");
    const session = keep(catalog, ["a.jpg", "b.jpg"]);
    catalog.beginDelivery(session.id);
    for (const kept of catalog.stored(session.id, 10))
      catalog.markRendered([{ file: kept, derived, capture: captureFromFile(0) }]);
    catalog.recordObjects([{ key: "g/x", sizeBytes: 9, sha256: hashOf("thumb") }]);
    catalog.markUploaded(catalog.rendered(session.id, 10).map(({ file: { id } }) => id));
    catalog.markPublished(session.id, false);
    assert.equal(catalog.tally(session.id).published, 2);
    catalog.close();
    catalog = openCatalog(db, "second");
    assert.deepEqual(
      catalog.undelivered().map(({ id }) => id),
      [session.id],
    );
    catalog.beginDelivery(session.id);
    assert.equal(catalog.tally(session.id).uploaded, 0);
    assert.equal(catalog.rendered(session.id, 10).length, 2);
    assert.equal(catalog.objectHash("g/x"), null);
    catalog.close();
  });

  it("keeps what one look into a picture told, and gives it back the same", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const session = keep(catalog, ["a.jpg"]);
    const [kept] = catalog.stored(session.id, 10);
    assert.ok(kept);
    const capture = {
      takenMs: -5,
      offsetMinutes: -90,
      takenFrom: "exif" as const,
      camera: "X",
      lens: null,
      exposure: "1/8 s",
    };
    catalog.markRendered([{ file: kept, derived: { ...derived, note: "damaged" }, capture }]);
    const [delivered] = catalog.delivered(session.id);
    assert.deepEqual(delivered, {
      hash: kept.hash,
      kind: "picture",
      name: "a.jpg",
      stem: "a",
      isInStore: false,
      capture,
      ...derived,
      note: "damaged",
    });
    assert.equal(catalog.tally(session.id).damaged, 1);
    catalog.close();
  });

  it("numbers sessions upward for ever, also after one that is gone", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    const catalog = openCatalog(db, "store");
    const [first, second] = [
      catalog.openSession(volume, "undated", [file("a")]),
      catalog.openSession(volume, "undated", [file("b")]),
    ];
    assert.deepEqual([first.id, second.id], [1, 2]);
    assert.match(second.name, /^0002-[0-9a-f]{4}$/);
    assert.match(second.slug, /^[\w-]{22}$/);
    const reader = readSessions(db);
    assert.deepEqual(
      reader?.allSessions().map(({ id }) => id),
      [1, 2],
    );
    reader?.close();
    catalog.close();
  });

  it("is not made by looking for it", async (t) => {
    assert.equal(readSessions(join(await tempFolder(t), "none.db")), null);
  });
});
