import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { doorbell } from "../../src/flow/doorbell.ts";
import { deliver } from "../../src/ingest/deliver.ts";
import type { Ports } from "../../src/ingest/ports.ts";
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

describe("a gallery", () => {
  /** How often all tiles are asked for while files of these names are delivered. */
  async function looks(base: string, names: readonly string[]): Promise<number> {
    const catalog = openCatalog(join(base, "ghostroll.db"), "store");
    const volume = { id: "v" as VolumeId, root: "/card", label: "CARD" };
    const files = names.map((name) => ({ path: Buffer.from(name), sizeBytes: 1, modifiedMs: 1 }));
    const session = catalog.openSession(volume, "2026-06-01", files);
    catalog.find(session.id, files);
    catalog.settle(
      session,
      catalog.pending(session.id).map((file, n) => {
        const hash = contentHash(String(n).padStart(64, "0"));
        const copy = { hash, headHash: hash, sizeBytes: 1, media: mediaByName(names[n] ?? ""), part: "" };
        return { to: "stored" as const, file, copy, path: `originals/${n}` };
      }),
    );
    let count = 0;
    const links = { base: "http://x/", query: "", signatureName: "s", signatures: [""], expiresMs: 0 };
    const derived = { renditions: [], color: null, note: "a test" };
    const capture = {
      takenMs: 1,
      offsetMinutes: null,
      takenFrom: "file" as const,
      camera: null,
      lens: null,
      exposure: null,
    };
    const ports = {
      catalog: {
        ...catalog,
        delivered(id: typeof session.id) {
          count++;
          return catalog.delivered(id);
        },
      },
      pictures: {
        derive: async (file: object) => ({ file, derived, capture }),
        hasRenditions: async () => true,
      },
      store: { sign: async () => links },
      galleries: { assets: [], objects: async () => [], zips: () => [] },
    } as unknown as Ports;
    const feed = { bell: doorbell(), isOver: () => true, isWhole: () => true };
    const options = { renderers: 1, uploads: 1, title: "" };
    await deliver(session, feed, options, ports, () => {}, new AbortController().signal);
    assert.equal(catalog.tally(session.id).published, names.length);
    catalog.close();
    return count;
  }

  it("is not made again for what nobody sees in it, but at the end", async (t) => {
    const names = Array.from({ length: 100 }, (_, n) => `DCIM/100CANON/IMG_${n}.XMP`);
    assert.equal(await looks(await tempFolder(t), names), 1);
    assert.ok((await looks(await tempFolder(t), ["DCIM/100CANON/IMG_1.JPG", ...names])) > 1);
  });
});
