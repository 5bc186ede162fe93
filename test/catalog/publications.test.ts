import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import Database from "better-sqlite3";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { MIGRATIONS } from "../../src/catalog/migrations.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { tempFolder } from "../support/temp.ts";

const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
const object = (key: string) => ({ key, sizeBytes: 1, sha256: "0".repeat(64) });

/** A session with a complete gallery in the store `one`, which has been in `two` before. */
async function published(t: TestContext) {
  const db = join(await tempFolder(t), "c.db");
  const open = (store: string) => {
    const catalog = openCatalog(db, store);
    t.after(() => catalog.close());
    return catalog;
  };
  const [one, two] = [open("one"), open("two")];
  const { id, slug } = one.openSession(volume, "2026-06-01", []);
  for (const catalog of [two, one]) {
    catalog.beginDelivery(id);
    catalog.recordObjects([object(`g/${slug}/v`), object(`g/${slug}/i.json`), object("assets/a.js")]);
    catalog.markPublished(id, true);
    catalog.linksPut(id, "tag", 1000);
  }
  return { db, one, two, id, slug };
}

describe("a revoked gallery", () => {
  it("is claimed of no store, and to be taken down from each that had a part of it", async (t) => {
    const { one, two, id, slug } = await published(t);
    one.revoke(id);
    assert.ok(one.isRevoked(slug));
    assert.deepEqual([one.objectHash(`g/${slug}/v`), two.objectHash(`g/${slug}/i.json`)], [null, null]);
    assert.notEqual(one.objectHash("assets/a.js"), null);
    assert.deepEqual([one.published(), one.undelivered(), one.latestGallery(volume.id)], [[], [], null]);
    assert.deepEqual([...one.storesLeft(id)].toSorted(), ["one", "two"]);
    assert.deepEqual(
      one.toTakeDown().map((gone) => gone.slug),
      [slug],
    );
    one.tookDown(slug);
    assert.deepEqual([one.toTakeDown(), one.storesLeft(id)], [[], ["two"]]);
    assert.equal(two.toTakeDown().length, 1);
    const [past] = one.allSessions();
    assert.deepEqual([past?.isRevoked, past?.isPublished, past?.linkEndsMs], [true, false, null]);
  });

  it("comes back under a new name only, and the old one stays in the session's record", async (t) => {
    const { one, id, slug } = await published(t);
    one.revoke(id);
    const renewed = one.renew(id);
    assert.notEqual(renewed.slug, slug);
    assert.deepEqual([one.isRevoked(renewed.slug), one.isRevoked(slug)], [false, true]);
    const { session, revoked } = one.record({ ...renewed, slug });
    assert.deepEqual([session.slug, revoked], [renewed.slug, [slug]]);
    assert.equal(one.renew(id).slug, renewed.slug, "one that is open keeps its name");
  });

  it("comes back with nothing claimed of it, though somebody was still at work on the old one", async (t) => {
    const { one, two, id } = await published(t);
    two.revoke(id);
    one.markPublished(id, true);
    one.renew(id);
    assert.deepEqual(one.published(), []);
  });

  it("is announced to nobody any more", async (t) => {
    const { one, id } = await published(t);
    one.putMessages(id, "gallery-open", "words", ["a"]);
    one.putMessages(id, "trouble", "words", ["b"]);
    one.revoke(id);
    assert.deepEqual([one.nextMessage("a"), one.nextMessage("b")?.event], [null, "trouble"]);
  });

  it("is seen by the process that works on the library when another one has written it", async (t) => {
    const { one, two, id } = await published(t);
    one.wasWrittenElsewhere();
    one.linksPut(id, "own", null);
    assert.equal(one.wasWrittenElsewhere(), false);
    two.revoke(id);
    assert.deepEqual([one.wasWrittenElsewhere(), one.wasWrittenElsewhere()], [true, false]);
  });
});

describe("a catalog with messages of an older GhostRoll", () => {
  it("keeps each with its state, and still tells each event once", async (t) => {
    const db = join(await tempFolder(t), "c.db");
    const before = MIGRATIONS.findIndex((sql) => sql.includes("message_again"));
    const old = new Database(db);
    for (const sql of MIGRATIONS.slice(0, before)) old.exec(sql);
    old.pragma(`application_id = ${0x4768526c}`);
    old.pragma(`user_version = ${before}`);
    old.exec(`INSERT INTO volume VALUES ('v1', 'EOS');
      INSERT INTO session (name, volume, label, day, slug) VALUES ('0001-old', 'v1', 'EOS', '2026-01-01', 'slug');
      INSERT INTO message (key, session, event, recipient, words, state) VALUES
        ('k1', 1, 'gallery-open', 'a', 'first', 'sent'), ('k2', 1, 'gallery-complete', 'a', 'second', 'waiting')`);
    old.close();
    const catalog = openCatalog(db, "store");
    const [session] = catalog.allSessions();
    assert.ok(session);
    for (const event of ["gallery-open", "gallery-complete"] as const)
      catalog.putMessages(session.id, event, "again", ["a"]);
    assert.deepEqual(
      catalog.messagesOf(session.id).map(({ state }) => state),
      ["sent", "waiting"],
    );
    assert.deepEqual([catalog.nextMessage("a")?.key, catalog.nextMessage("a")?.words], ["k2", "second"]);
    for (const occasion of ["1", "1", "2"])
      catalog.putMessages(session.id, "link-ends", occasion, ["b"], occasion);
    assert.equal(catalog.messagesOf(session.id).filter(({ event }) => event === "link-ends").length, 2);
    catalog.close();
  });
});
