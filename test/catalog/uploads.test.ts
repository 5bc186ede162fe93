import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { tempFolder } from "../support/temp.ts";

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

describe("an upload in parts", () => {
  it("is known to the next process as far as it came, in the store it goes to, until it is forgotten", async (t) => {
    const path = join(await tempFolder(t), "c.db");
    const upload = { id: "2~a", sha256: hashOf("video"), partBytes: 8 };
    const part = { number: 1, sizeBytes: 8, sha256: hashOf("one"), etag: '"e1"', crc32: null };
    const before = openCatalog(path, "here");
    before.beginUpload("g/x", upload);
    for (const number of [2, 1]) before.recordPart("g/x", { ...part, number });
    before.recordPart("g/x", { ...part, crc32: "AAAA==" });
    before.close();
    const after = openCatalog(path, "here");
    const parts = [
      { ...part, crc32: "AAAA==" },
      { ...part, number: 2 },
    ];
    assert.deepEqual(after.begunUpload("g/x"), { ...upload, parts });
    assert.equal(after.begunUpload("g/y"), null);
    after.beginUpload("g/x", { ...upload, id: "2~b" });
    assert.deepEqual(after.begunUpload("g/x"), { ...upload, id: "2~b", parts: [] });
    const elsewhere = openCatalog(join(await tempFolder(t), "c.db"), "there");
    assert.equal(elsewhere.begunUpload("g/x"), null);
    after.forgetUpload("g/x");
    assert.equal(after.begunUpload("g/x"), null);
    assert.throws(() => after.recordPart("g/x", part), /FOREIGN KEY/, "a part of nothing");
    after.close();
    elsewhere.close();
  });
});
