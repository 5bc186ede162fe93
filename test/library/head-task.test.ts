import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import takeInventory from "../../src/card/inventory-task.ts";
import { unpackInventory } from "../../src/card/packed-inventory.ts";
import headHashes from "../../src/library/head-task.ts";
import { makeCard } from "../support/card.ts";
import { tempFolder } from "../support/temp.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("a look at the heads of files", () => {
  const contents = [0, 1, 65_535, 65_536, 65_537, 3_000_000, 7].map((size) => randomBytes(size));
  const cardIn = async (folder: string) => {
    const names = contents.map((bytes, index) => [`DCIM/${index}.JPG`, bytes] as const);
    const root = await makeCard(join(folder, "card"), Object.fromEntries(names));
    const packed = takeInventory({ root, before: null });
    assert.ok(packed);
    return { root, files: unpackInventory(packed).files };
  };

  it("gives the hash of the first 64 KiB of each, in their order", async (t) => {
    const heads = headHashes(await cardIn(await tempFolder(t)));
    assert.deepEqual(
      heads,
      contents.map((bytes) => sha256(bytes.subarray(0, 65_536))),
    );
  });

  it("passes over one that is not as it was listed, and finds the card gone when nothing is left", async (t) => {
    const { root, files } = await cardIn(await tempFolder(t));
    await rm(join(root, "DCIM/2.JPG"));
    const changed = files.map((file, index) => (index === 4 ? { ...file, sizeBytes: 9 } : file));
    const missing = headHashes({ root, files: changed }).flatMap((head, index) =>
      head === null ? [index] : [],
    );
    assert.deepEqual(missing, [2, 4]);
    await rm(join(root, "DCIM"), { recursive: true });
    assert.throws(() => headHashes({ root, files }), { code: "card-removed" });
  });

  it("leaves the rest to be read whole when the card takes its time", async (t) => {
    const asked = await cardIn(await tempFolder(t));
    let nowMs = 0;
    t.mock.method(performance, "now", () => (nowMs += 6000));
    const heads = headHashes(asked);
    assert.deepEqual(
      heads.map((head) => head === null),
      [false, false, false, true, true, true, true],
    );
  });
});
