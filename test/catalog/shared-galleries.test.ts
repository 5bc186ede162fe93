import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { tempFolder } from "../support/temp.ts";

const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
const files = [{ path: new TextEncoder().encode("a.jpg"), sizeBytes: 5, modifiedMs: 1_750_000_000_000 }];
const party = { gallery: "party", station: "pi" };

async function open(t: TestContext, store = "s3 one") {
  const path = join(await tempFolder(t), "ghostroll.db");
  const catalog = openCatalog(path, store);
  t.after(() => catalog.close());
  return { catalog, path };
}

describe("sessions of a shared gallery", () => {
  it("are one part under one name that no other box has, also when boxes are called alike", async (t) => {
    const [{ catalog }, other] = [await open(t), await open(t)];
    const first = catalog.openSession(volume, "undated", files, party);
    const second = catalog.openSession(volume, "undated", files, party);
    const foreign = other.catalog.openSession(volume, "undated", files, party);
    assert.match(first.sharing?.station ?? "", /^pi-[0-9a-f]{4}$/);
    assert.deepEqual(second.sharing, first.sharing);
    assert.notEqual(foreign.sharing?.station, first.sharing?.station);
    assert.equal(catalog.openSession(volume, "undated", files).sharing, null);
    assert.notEqual(
      catalog.openSession(volume, "undated", files, { ...party, station: "pi-b" }).sharing?.station,
      first.sharing?.station,
    );
  });

  it("have the slug that was agreed on, in that store only", async (t) => {
    const { catalog, path } = await open(t);
    const [first, second] = [0, 1].map(() => catalog.openSession(volume, "undated", files, party));
    assert.ok(first && second);
    for (const { id } of [first, second]) catalog.beginDelivery(id);
    const slug = "s".repeat(22);
    catalog.joinGallery(first.id, slug);
    assert.equal(catalog.sessionNamed(first.id)?.slug, slug);
    assert.deepEqual(catalog.partOf({ ...first, slug }), [{ id: first.id, isPublished: false }]);
    catalog.joinGallery(second.id, slug);
    assert.equal(catalog.partOf({ ...first, slug }).length, 2);
    catalog.close();

    const moved = openCatalog(path, "s3 two");
    t.after(() => moved.close());
    moved.beginDelivery(first.id);
    assert.notEqual(moved.sessionNamed(first.id)?.slug, slug);
    assert.deepEqual(moved.partOf({ ...first, slug }), []);
  });

  it("part from one that another station has revoked: what was complete is revoked, the rest goes to the next one", async (t) => {
    const { catalog } = await open(t);
    const [complete, unfinished] = [0, 1].map(() => catalog.openSession(volume, "undated", files, party));
    assert.ok(complete && unfinished);
    const [slug, next] = ["s".repeat(22), "n".repeat(22)];
    for (const { id } of [complete, unfinished]) {
      catalog.beginDelivery(id);
      assert.equal(catalog.joinGallery(id, slug), null);
      catalog.putMessages(id, "gallery-open", "words", [`of ${id}`]);
    }
    catalog.markPublished(complete.id, true);
    catalog.recordObjects([{ key: `g/${slug}/i.json`, sizeBytes: 1, sha256: "0".repeat(64) }]);

    assert.equal(catalog.joinGallery(unfinished.id, next), slug);
    assert.deepEqual(
      catalog.toTakeDown().map((one) => one.slug),
      [slug],
    );
    assert.equal(catalog.objectHash(`g/${slug}/i.json`), null);
    assert.deepEqual(
      [complete, unfinished].map(({ id }) => catalog.nextMessage(`of ${id}`)),
      [null, null],
    );
    const states = () => catalog.allSessions().map(({ isRevoked, isStanding }) => [isRevoked, isStanding]);
    assert.deepEqual(states(), [
      [true, true],
      [false, false],
    ]);
    assert.deepEqual([catalog.published(), catalog.latestGallery(volume.id)], [[], null]);
    catalog.tookDown(slug);
    assert.deepEqual(states(), [
      [true, false],
      [false, false],
    ]);
    assert.deepEqual(
      [0, 1].map(() => catalog.leaveGallery(unfinished.id, next)),
      [true, false],
    );
    assert.notEqual(catalog.sessionNamed(unfinished.id)?.slug, next);
    assert.deepEqual(states()[1], [false, false]);
  });
});
