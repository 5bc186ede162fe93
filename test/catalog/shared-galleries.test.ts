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
});
