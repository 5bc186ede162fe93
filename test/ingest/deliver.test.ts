import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pictureCard } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

describe("a rendition that is no longer what it was", () => {
  it("is made again before it goes out: gone, or of the right size with other bytes", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 4);
    const base = join(folder, "library");
    const flags = ["--base-dir", base, "--no-serve"];
    // Rendered, and not uploaded: the store is not there.
    const away = {
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:1",
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "x",
    };
    assert.equal((await ghostroll(["ingest", card, "--base-dir", base], { env: away })).code, 75);
    const files = (await readdir(join(base, "renditions"), { recursive: true }))
      .map((name) => join(base, "renditions", name))
      .filter((file) => file.endsWith(".jpg"));
    const [gone = "", changed = ""] = files;
    await rm(gone);
    const bytes = await readFile(changed);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    await writeFile(changed, bytes);
    const ended = await ghostroll(["ingest", card, ...flags]);
    assert.equal(ended.code, 0, ended.out + ended.err);
    assert.ok(existsSync(gone));
    await assertComplete(base, new Set((await hashesBelow(card)).values()), 4);
  });
});
