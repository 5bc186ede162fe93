import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { openCatalog, readSessions } from "../../src/catalog/catalog.ts";
import { MIGRATIONS } from "../../src/catalog/migrations.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { tempFolder } from "../support/temp.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** Rows in every table of the first schema, a file in each state. */
const FIRST_DATA = `
  INSERT INTO volume VALUES ('v1', 'EOS');
  INSERT INTO session VALUES (7, '0007-abcd', 'v1', 'EOS', '2026-06-01', 'abcdefghijklmnopqrstuv', 'store', 1, 1);
  INSERT INTO original VALUES ('${hash("a")}', 3, 'originals/a', 'picture', 'image/jpeg', 7),
    ('${hash("b")}', 4, 'originals/b', 'picture', 'image/jpeg', 7);
  INSERT INTO card_file (session, path, size_bytes, modified_ms, state, hash, failure, reason) VALUES
    (7, x'41', 3, 1, 'published', '${hash("a")}', NULL, NULL), (7, x'42', 4, 2, 'uploaded', '${hash("b")}', NULL, NULL),
    (7, x'43e9', 3, 3, 'duplicate', '${hash("a")}', NULL, NULL), (7, x'44', 9, 4, 'found', NULL, NULL, NULL),
    (7, x'45', 9, 5, 'failed', NULL, 'file-unreadable', 'It could not be read.');
  INSERT INTO fingerprint VALUES ('v1', x'41', 3, 1, '${hash("a")}', '${hash("head")}');
  INSERT INTO picture VALUES ('${hash("a")}', '336699', NULL, 5, -90, 'exif', 'X', NULL, '1/8 s');
  INSERT INTO rendition VALUES ('${hash("a")}', 'thumb', 3, 2, 9, '${hash("thumb")}');
  INSERT INTO object VALUES ('store', 'g/x', 9, '${hash("thumb")}');
`;

/** Every row of the tables of the first schema, in the columns that schema had. */
function rowsOf(connection: Database.Database, columns: ReadonlyMap<string, readonly string[]>) {
  return [...columns].map(([table, names]) => [
    table,
    connection.prepare(`SELECT ${names.join(", ")} FROM ${table} ORDER BY 1, 2`).all(),
  ]);
}

function columnsOf(connection: Database.Database): Map<string, string[]> {
  const tables = connection
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all() as string[];
  return new Map(
    tables.map((table) => [
      table,
      (connection.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name),
    ]),
  );
}

describe("a catalog of an older GhostRoll", () => {
  for (let version = 1; version < MIGRATIONS.length; version++)
    it(`of version ${version} keeps every row and works on`, async (t) => {
      const path = join(await tempFolder(t), "c.db");
      const old = new Database(path);
      old.pragma("foreign_keys = ON");
      old.exec(MIGRATIONS[0] ?? "");
      old.exec(FIRST_DATA);
      const columns = columnsOf(old);
      for (const sql of MIGRATIONS.slice(1, version)) old.exec(sql);
      old.pragma(`application_id = ${0x4768526c}`);
      old.pragma(`user_version = ${version}`);
      const before = rowsOf(old, columns);
      old.close();

      const bytes = await readFile(path);
      const look = readSessions(path);
      assert.equal(look?.allSessions().length, 1);
      look.close();
      assert.deepEqual(await readFile(path), bytes, "looking at it changes nothing");

      const catalog = openCatalog(path, "store");
      const [session] = catalog.allSessions();
      assert.ok(session);
      const { found, kept, duplicates, failed, published } = catalog.tally(session.id);
      assert.deepEqual(
        { found, kept, duplicates, failed, published },
        { found: 5, kept: 2, duplicates: 1, failed: 1, published: 1 },
      );
      assert.equal(catalog.known("v1" as VolumeId).size, 1);
      assert.equal(catalog.objectHash("g/x"), hash("thumb"));
      assert.equal(catalog.isRebuilt(session.id), false);
      assert.deepEqual(
        catalog.due(catalog.nextRun(), 9).map((one) => one.path),
        ["originals/a", "originals/b"],
      );
      assert.equal([...catalog.record(session).files].length, 4, "all but what is not read yet");
      catalog.close();

      const after = new Database(path, { readonly: true });
      assert.deepEqual(rowsOf(after, columns), before);
      assert.equal(after.pragma("user_version", { simple: true }), MIGRATIONS.length);
      assert.equal(after.pragma("integrity_check", { simple: true }), "ok");
      assert.deepEqual(after.pragma("foreign_key_check"), []);
      after.close();
    });

  it("has the same schema afterwards as a new one", async (t) => {
    const folder = await tempFolder(t);
    const schemaOf = (path: string) => {
      const connection = new Database(path, { readonly: true });
      const rows = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all();
      connection.close();
      return rows;
    };
    const old = new Database(join(folder, "old.db"));
    old.exec(MIGRATIONS[0] ?? "");
    old.pragma(`application_id = ${0x4768526c}`);
    old.pragma("user_version = 1");
    old.close();
    for (const name of ["old.db", "new.db"]) openCatalog(join(folder, name), "store").close();
    assert.deepEqual(schemaOf(join(folder, "old.db")), schemaOf(join(folder, "new.db")));
  });
});
