import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { openCatalog, readSessions } from "../../src/catalog/catalog.ts";
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
