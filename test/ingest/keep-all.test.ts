import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { CardFile, Volume, VolumeId } from "../../src/domain/card.ts";
import { Failure } from "../../src/domain/failure.ts";
import { keepAll } from "../../src/ingest/keep-all.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import { openLibrary } from "../../src/library/library.ts";
import copyAndProve from "../../src/library/task.ts";
import { tempFolder } from "../support/temp.ts";

const FILES = 60;
const never = new AbortController().signal;
const unused = { run: () => Promise.reject(new Error("not asked for")) };

describe("keeping the files of a card", () => {
  it("leaves no proved copy behind when the card is pulled, and none of its space set aside", async (t) => {
    const folder = await tempFolder(t);
    const [root, card] = [join(folder, "library"), join(folder, "card")];
    await mkdir(card);
    const files: CardFile[] = [];
    for (let number = 0; number < FILES; number++) {
      const name = `IMG_${number}.CR3`;
      await writeFile(join(card, name), randomBytes(4096));
      const { mtimeMs } = await stat(join(card, name));
      files.push({ path: Buffer.from(name), sizeBytes: 4096, modifiedMs: Math.floor(mtimeMs) });
    }
    const copy = {
      async run(request: Parameters<typeof copyAndProve>[0], signal: AbortSignal) {
        // As a worker does: the answer comes later, or the signal's reason at once.
        await delay(1, undefined, { signal }).catch(() => signal.throwIfAborted());
        return copyAndProve(request);
      },
    };
    const library = openLibrary({ root, copy, heads: unused, reread: unused, hash: unused });
    await library.sweep();
    const catalog = openCatalog(join(folder, "catalog.db"), "directory");
    t.after(catalog.close);
    const volume: Volume = { id: "v" as VolumeId, root: card, label: "EOS" };
    const session = catalog.openSession(volume, "2026-01-01", files);
    let looks = 0;
    const cards = {
      async assertPresent() {
        if (++looks > 4) throw new Failure("card-removed", "The card was pulled.");
      },
    };
    let asideBytes = 0;
    const watched = {
      ...library,
      setAside(bytes: number) {
        const aside = library.setAside(bytes);
        asideBytes += bytes;
        const release = () => {
          asideBytes -= bytes;
          aside.release();
        };
        return { ...aside, release };
      },
    };
    const options = {
      rescan: "stat",
      readers: 2,
      reserveBytes: 0,
      verifySource: false,
      sharing: null,
    } as const;
    const ports = { cards, catalog, library: watched } as unknown as Ports;
    const keep = keepAll(session, volume, files, [], options, ports, () => {}, never);
    await assert.rejects(keep, { code: "card-removed" });
    const { kept } = catalog.tally(session.id);
    assert.ok(kept > 0 && kept < FILES, `${kept} were kept before`);
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    assert.equal(asideBytes, 0);
  });
});
