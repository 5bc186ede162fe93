import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { MIGRATIONS } from "../../src/catalog/migrations.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { tempFolder } from "../support/temp.ts";

const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };

describe("the outbox", () => {
  it("gives each recipient its messages oldest first, and every event of a session once", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const { id } = catalog.openSession(volume, "2026-06-15", []);
    catalog.putMessages(id, "gallery-open", "first", ["a", "b"]);
    catalog.putMessages(id, "gallery-open", "again", ["a"]);
    catalog.putMessages(id, "gallery-complete", "last", ["a"]);
    const words: string[] = [];
    for (let next = catalog.nextMessage("a"); next !== null; next = catalog.nextMessage("a")) {
      words.push(next.words);
      catalog.messageSent(next.id, null);
    }
    assert.deepEqual(words, ["first", "last"]);
    assert.equal(catalog.nextMessage("b")?.session.slug.length, 22);
    assert.equal(catalog.nextMessage("c"), null);
    catalog.putMessages(id, "gallery-open", "after it was sent", ["a"]);
    assert.equal(catalog.nextMessage("a"), null);
    catalog.close();
  });

  it("keeps a message and the fact it tells together, or neither", async (t) => {
    const catalog = openCatalog(join(await tempFolder(t), "c.db"), "store");
    const { id } = catalog.openSession(volume, "2026-06-15", []);
    const writeBoth = () => {
      catalog.markPublished(id, true);
      catalog.putMessages(id, "gallery-complete", "words", ["a"]);
    };
    const cutOff = () =>
      catalog.together(() => {
        writeBoth();
        throw new Error("power cut");
      });
    assert.throws(cutOff, /power cut/);
    assert.deepEqual([catalog.allSessions()[0]?.isPublished, catalog.nextMessage("a")], [false, null]);
    catalog.together(writeBoth);
    assert.equal(catalog.allSessions()[0]?.isPublished, true);
    assert.equal(catalog.nextMessage("a")?.words, "words");
    catalog.close();
  });

  it("counts how often a message left without an answer, also across restarts", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    let catalog = openCatalog(db, "store");
    catalog.putMessages(catalog.openSession(volume, "2026-06-15", []).id, "trouble", "words", ["a"]);
    const { id, key } = catalog.nextMessage("a") ?? assert.fail();
    assert.equal(catalog.goesOut(id), 1);
    catalog.notTaken(id);
    assert.equal(catalog.goesOut(id), 1);
    catalog.close();
    catalog = openCatalog(db, "store");
    assert.equal(catalog.goesOut(id), 2);
    assert.equal(catalog.nextMessage("a")?.key, key);
    catalog.giveUp(id, "it is over");
    assert.equal(catalog.nextMessage("a"), null);
    catalog.close();
  });

  it("comes into a catalog of an earlier version, and tells nothing of what happened before", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    const old = new Database(db);
    const before = MIGRATIONS.findIndex((sql) => sql.includes("CREATE TABLE message "));
    for (const sql of MIGRATIONS.slice(0, before)) old.exec(sql);
    old.pragma(`application_id = ${0x4768526c}`);
    old.pragma(`user_version = ${before}`);
    old.exec(`INSERT INTO volume VALUES ('v1', 'EOS');
      INSERT INTO session (name, volume, label, day, slug, is_offloaded, is_published)
        VALUES ('0001-old', 'v1', 'EOS', '2026-01-01', 'slug', 1, 1)`);
    old.close();
    const catalog = openCatalog(db, "store");
    const [session] = catalog.allSessions();
    assert.ok(session?.isPublished);
    assert.deepEqual(catalog.messagesOf(session.id), []);
    catalog.putMessages(session.id, "gallery-open", "words", ["a"]);
    assert.equal(catalog.nextMessage("a")?.session.name, "0001-old");
    catalog.close();
  });
});
