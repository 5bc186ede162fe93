import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { openCatalog, readSessions } from "../../src/catalog/catalog.ts";
import { examineCatalog } from "../../src/catalog/examine.ts";
import { MIGRATIONS } from "../../src/catalog/migrations.ts";
import { lookInto } from "../support/look-into.ts";
import { tempFolder } from "../support/temp.ts";

/** What a power cut leaves of a database in the middle of its first transaction: half of it written, and the journal to undo it. */
function cutInTheMiddle(made: string, cut: string): void {
  const connection = new Database(made);
  connection.pragma("cache_size = 1");
  connection.exec("BEGIN; CREATE TABLE half (bytes BLOB)");
  const insert = connection.prepare("INSERT INTO half VALUES (randomblob(9000))");
  for (let row = 0; row < 20; row++) insert.run();
  for (const suffix of ["", "-journal"]) copyFileSync(`${made}${suffix}`, `${cut}${suffix}`);
  connection.exec("ROLLBACK");
  connection.close();
}

describe("a catalog that a power cut met while it was being made", () => {
  it("is empty for who looks, and is made by who writes", async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, "ghostroll.db");
    cutInTheMiddle(join(folder, "made.db"), path);

    assert.equal(readSessions(path), null);
    assert.equal(lookInto(path), null, "the harnesses see it as the product does");
    openCatalog(path, "store").close();
    const sessions = readSessions(path);
    assert.deepEqual(sessions?.allSessions(), []);
    sessions?.close();
  });
});

describe("a catalog that an older GhostRoll is writing to", () => {
  it("can be looked at, with all that was committed, and is left as it is", async (t) => {
    const path = join(await tempFolder(t), "ghostroll.db");
    const writer = new Database(path);
    writer.pragma("journal_mode = WAL");
    writer.exec(MIGRATIONS[0] ?? "");
    writer.pragma(`application_id = ${0x4768526c}`);
    writer.pragma("user_version = 1");
    writer.exec("INSERT INTO volume (id, label) VALUES ('v', 'EOS')");
    writer.exec(
      "INSERT INTO session (id, name, volume, label, day, slug) VALUES (7, '0007-beef', 'v', 'EOS', 'undated', 's')",
    );
    writer.exec("BEGIN IMMEDIATE; UPDATE session SET label = 'half'");

    const look = readSessions(path);
    assert.deepEqual(
      look?.allSessions().map(({ name, label }) => [name, label]),
      [["0007-beef", "EOS"]],
    );
    look.close();
    const examined = examineCatalog(path);
    assert.deepEqual(examined?.problems(), []);
    assert.equal(examined.counts().sessions, 1);
    examined.close();

    writer.exec("COMMIT");
    assert.equal(writer.pragma("user_version", { simple: true }), 1);
    writer.close();
  });
});
