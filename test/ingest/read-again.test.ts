import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openCards } from "../../src/card/inventory.ts";
import takeInventory from "../../src/card/inventory-task.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { CardFile, VolumeId } from "../../src/domain/card.ts";
import { displayName } from "../../src/domain/card-path.ts";
import { Failure } from "../../src/domain/failure.ts";
import { doubtsOfRemoval } from "../../src/domain/safety.ts";
import { noticing } from "../../src/ingest/near-errors.ts";
import { offload } from "../../src/ingest/offload.ts";
import type { OffloadOptions } from "../../src/ingest/offload-options.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import hashOriginal from "../../src/library/hash-task.ts";
import headHashes from "../../src/library/head-task.ts";
import { openLibrary } from "../../src/library/library.ts";
import reread from "../../src/library/reread-task.ts";
import copyAndProve from "../../src/library/task.ts";
import { makeCard } from "../support/card.ts";
import { hashesBelow, sha256 } from "../support/invariants.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const CARD = { "DCIM/A.JPG": "first", "DCIM/B.JPG": "second", "DCIM/C.JPG": "third" };
const OPTIONS = { rescan: "full", readers: 1, reserveBytes: 0, verifySource: true, sharing: null } as const;

type Library = Ports["library"];
/** Takes the place of one method: what a card or reader that fails would do there. */
type Faults = (library: Library) => Partial<Library>;

/** A real library, catalog and card, with a reader that fails as told. */
async function box(t: TestContext, faults: Faults, cards: Partial<Ports["cards"]> = {}) {
  const folder = await tempFolder(t);
  const root = join(folder, "library");
  await mkdir(root);
  const volume = { id: "v" as VolumeId, root: await makeCard(join(folder, "card"), CARD), label: "EOS" };
  const library = openLibrary({
    root,
    copy: { run: async (request) => copyAndProve(request) },
    heads: { run: async (request) => headHashes(request) },
    reread: { run: async (request) => reread(request) },
    hash: { run: async (request) => hashOriginal(request) },
  });
  await library.sweep();
  const catalog = openCatalog(join(root, "ghostroll.db"), "store");
  t.after(async () => catalog.close());
  const ports = {
    cards: { ...openCards({ list: { run: async (request) => takeInventory(request) } }), ...cards },
    library: { ...library, ...faults(library) },
    catalog,
    second: null,
  } as unknown as Ports;
  const run = (change: Partial<OffloadOptions> = {}) =>
    offload(volume, { ...OPTIONS, ...change }, ports, () => {}, never);
  const troubles = () => catalog.allSessions().flatMap(({ id }) => catalog.troubles(id));
  const contents = async () => new Set((await hashesBelow(join(root, "originals"))).values());
  return { root, run, troubles, contents, catalog, card: volume.root };
}

const is = (file: CardFile, name: string) => displayName(file.path) === name;
const eio = (file: CardFile) =>
  new Failure("file-unreadable", `${displayName(file.path)} could not be read (EIO).`);

describe("reading a card a second time", () => {
  it("finds it equal when it is, and keeps nothing more", async (t) => {
    const { run, troubles, contents } = await box(t, () => ({}));
    const { source, different, removal } = await run();
    assert.equal(source, "equal");
    assert.equal(different.size, 0);
    assert.deepEqual(doubtsOfRemoval(removal), []);
    assert.deepEqual(troubles(), []);
    for (const text of Object.values(CARD)) assert.ok((await contents()).has(sha256(Buffer.from(text))));
  });

  it("names a file that reads differently once, and keeps what two of three readings gave", async (t) => {
    let isWell = false;
    const { run, troubles, root } = await box(t, (library) => ({
      readAgain: async (volume, file, signal) => {
        const found = await library.readAgain(volume, file, signal);
        return is(file, "B.JPG") && !isWell ? { ...found, hash: "0".repeat(64) } : found;
      },
    }));
    assert.equal((await run()).source, "different");
    const [trouble, ...more] = troubles();
    assert.deepEqual(more, []);
    assert.equal(trouble?.name, "DCIM/B.JPG");
    assert.match(
      trouble?.reason ?? "",
      /other bytes when it was read again, and the first ones at a third.*Do not format/,
    );
    assert.deepEqual(await readdir(join(root, "incoming")), []);
    isWell = true;
    assert.equal((await run()).source, "equal");
    assert.deepEqual(troubles(), [], "in another reader it gives what is kept, and that is that");
  });

  it("keeps both readings of a file whose card has changed its mind, the first under its name", async (t) => {
    let reads = 0;
    const { run, troubles, contents, root, catalog } = await box(t, (library) => ({
      copy: async (volume, file, signal) => {
        if (!is(file, "B.JPG") || ++reads === 1) return library.copy(volume, file, signal);
        // The card gives something else from now on, with the same size and time.
        const other = { ...volume, root: join(root, "other") };
        await makeCard(other.root, { "DCIM/A.JPG": "", "DCIM/B.JPG": "SECOND" });
        return library.copy(other, file, signal);
      },
      readAgain: async (volume, file, signal) => {
        const found = await library.readAgain(volume, file, signal);
        return is(file, "B.JPG") ? { ...found, hash: sha256(Buffer.from("SECOND")) } : found;
      },
    }));
    const { source, sessions } = await run();
    assert.equal(source, "different");
    assert.match(troubles()[0]?.reason ?? "", /both are kept, the second as originals\/.*B~\w+\.JPG/);
    const kept = await contents();
    for (const text of ["second", "SECOND"]) assert.ok(kept.has(sha256(Buffer.from(text))), text);
    const [session] = sessions;
    assert.ok(session);
    assert.equal(catalog.manifest(session).length, 4, "the manifest has both");
    const manifest = await readFile(
      join(root, "originals/2026/2026-06-01", session.name, "SHA256SUMS"),
      "utf8",
    );
    assert.match(manifest, new RegExp(sha256(Buffer.from("SECOND"))));
  });

  it("names a file that cannot be read a second time, whose content stays kept", async (t) => {
    const { run, troubles, catalog } = await box(t, (library) => ({
      readAgain: async (volume, file, signal) => {
        if (is(file, "C.JPG")) throw eio(file);
        return library.readAgain(volume, file, signal);
      },
    }));
    assert.equal((await run()).source, "different");
    assert.match(troubles()[0]?.reason ?? "", /C\.JPG could not be read \(EIO\)\. Do not format/);
    assert.equal(catalog.tally(1 as never).kept, 3);
  });

  it("is done after an I/O error also when nobody asked, for what was read around it", async (t) => {
    const again: string[] = [];
    const faults: Faults = (library) => ({
      copy: async (volume, file, signal) => {
        if (is(file, "B.JPG")) throw eio(file);
        return library.copy(volume, file, signal);
      },
      readAgain: async (volume, file, signal) => {
        again.push(displayName(file.path));
        const found = await library.readAgain(volume, file, signal);
        return is(file, "A.JPG") ? { ...found, hash: "f".repeat(64) } : found;
      },
    });
    const { run, troubles } = await box(t, faults);
    const { source, removal } = await run({ verifySource: false });
    assert.equal(source, "not-read", "of the whole card nothing is said");
    assert.deepEqual(again.toSorted(), ["A.JPG", "C.JPG"]);
    assert.deepEqual(
      troubles()
        .map(({ name }) => name)
        .toSorted(),
      ["DCIM/A.JPG", "DCIM/B.JPG"],
    );
    assert.deepEqual(
      doubtsOfRemoval(removal).map(({ doubt }) => doubt),
      ["files-failed"],
    );
    assert.deepEqual(removal.failed, ["DCIM/B.JPG"]);
  });

  /** Reads a card that gives A differently the second time, while the kernel counts failed requests; which files were read again? */
  async function withCount(t: TestContext, before: number | null, meanwhile: number) {
    let failed = before;
    const again: string[] = [];
    const { run, troubles, catalog } = await box(
      t,
      (library) => ({
        copy: async (volume, file, signal) => {
          const copy = await library.copy(volume, file, signal);
          if (failed !== null && is(file, "B.JPG")) failed += meanwhile;
          return copy;
        },
        readAgain: async (volume, file, signal) => {
          again.push(displayName(file.path));
          const found = await library.readAgain(volume, file, signal);
          return is(file, "A.JPG") ? { ...found, hash: "f".repeat(64) } : found;
        },
      }),
      { failedRequests: async () => failed },
    );
    assert.equal((await run({ verifySource: false })).removal.keptFiles, 3);
    assert.deepEqual(catalog.suspects("v" as VolumeId), []);
    return { again: again.toSorted(), troubled: troubles().map(({ name }) => name) };
  }

  it("is done where a request failed, was repeated by the kernel, and then went well", async (t) => {
    assert.deepEqual(await withCount(t, 3, 1), {
      again: ["A.JPG", "B.JPG", "C.JPG"],
      troubled: ["DCIM/A.JPG"],
    });
  });

  it("is not done for what failed before anything of the card was read, or where nothing is counted", async (t) => {
    for (const before of [3, null])
      assert.deepEqual(await withCount(t, before, 0), { again: [], troubled: [] });
  });

  it("is not done for a good card when nobody asked", async (t) => {
    const { run } = await box(t, () => ({
      readAgain: () => assert.fail("a card that is well is read once"),
    }));
    assert.equal((await run({ verifySource: false })).source, "not-read");
  });

  for (const [what, failure] of [
    ["the card was pulled", new Failure("card-removed", "The card is gone.")],
    [
      "the card fell silent",
      new Failure("card-unresponsive", "The card does not respond.", { cause: "silent" }),
    ],
    ["the library's disk was full after an error of the card", new Failure("disk-full", "No room.")],
  ] as const)
    it(`is done at the next insertion for what was read before ${what}, once`, async (t) => {
      let isBroken = true;
      const again: string[] = [];
      const { run, troubles } = await box(t, (library) => ({
        copy: async (volume, file, signal) => {
          if (isBroken && is(file, "B.JPG") && failure.code === "disk-full") throw eio(file);
          if (isBroken && is(file, "B.JPG") && failure.code === "card-unresponsive")
            throw new Failure("file-silent", "nothing came");
          if (isBroken && is(file, failure.code === "card-removed" ? "B.JPG" : "C.JPG")) throw failure;
          return library.copy(volume, file, signal);
        },
        readAgain: async (volume, file, signal) => {
          again.push(displayName(file.path));
          const found = await library.readAgain(volume, file, signal);
          return is(file, "A.JPG") ? { ...found, hash: "f".repeat(64) } : found;
        },
      }));
      const asEver = { verifySource: false, rescan: "stat" } as const;
      await assert.rejects(run(asEver), { code: failure.code });
      assert.equal(again.length, 0, "nothing is asked of a card that is gone");
      isBroken = false;
      assert.equal((await run(asEver)).removal.keptFiles, 3);
      assert.ok(again.includes("A.JPG"));
      assert.deepEqual(
        troubles().map(({ name }) => name),
        ["DCIM/A.JPG"],
      );
      const asked = again.length;
      await run(asEver);
      assert.equal(again.length, asked, "what was compared is no suspect any more");
    });

  it("asks for no suspect that was deleted in the meantime", async (t) => {
    let isBroken = true;
    const { run, troubles, card, catalog } = await box(t, (library) => ({
      copy: async (volume, file, signal) => {
        if (isBroken && is(file, "B.JPG")) throw new Failure("card-removed", "The card is gone.");
        return library.copy(volume, file, signal);
      },
    }));
    await assert.rejects(run({ verifySource: false }), { code: "card-removed" });
    assert.deepEqual(catalog.suspects("v" as VolumeId).map(displayName), ["A.JPG"]);
    isBroken = false;
    await rm(join(card, "DCIM/A.JPG"));
    await run({ verifySource: false });
    assert.deepEqual(troubles(), []);
    assert.deepEqual(catalog.suspects("v" as VolumeId), []);
  });

  it("takes a suspect that is another shot now for what it is, and names nothing", async (t) => {
    let isBroken = true;
    const { run, troubles, card, catalog, contents } = await box(t, (library) => ({
      copy: async (volume, file, signal) => {
        if (isBroken && is(file, "B.JPG")) throw new Failure("card-removed", "The card is gone.");
        return library.copy(volume, file, signal);
      },
    }));
    await assert.rejects(run({ verifySource: false }), { code: "card-removed" });
    isBroken = false;
    const at = join(card, "DCIM/A.JPG");
    const { atime, mtime } = await stat(at);
    await writeFile(at, "FIRST");
    await utimes(at, atime, mtime);
    await run({ verifySource: false, rescan: "sampled" });
    assert.deepEqual(troubles(), []);
    assert.deepEqual(catalog.suspects("v" as VolumeId), []);
    for (const text of ["first", "FIRST"]) assert.ok((await contents()).has(sha256(Buffer.from(text))), text);
  });

  it("is asked for what was read within a minute of an error, before and after it", async () => {
    const noted: string[] = [];
    let nowMs = 0;
    const failure = new Failure("file-unreadable", "EIO");
    const ports = {
      cards: { failedRequests: async () => null },
      catalog: { suspect: (_: VolumeId, paths: Uint8Array[]) => void noted.push(...paths.map(displayName)) },
      library: {
        copy: async (_: unknown, file: CardFile) => {
          if (is(file, "bad")) throw failure;
        },
      },
    } as unknown as Ports;
    const { library } = noticing({ id: "v" as VolumeId, root: "/", label: "" }, ports, () => nowMs);
    for (const [atMs, name] of [
      [0, "long before"],
      [30_000, "before"],
      [80_000, "bad"],
      [100_000, "after"],
      [200_000, "long after"],
    ] as const) {
      nowMs = atMs;
      const file = { path: Buffer.from(name), sizeBytes: 1, modifiedMs: 0 };
      await library.copy({} as never, file, never).catch(() => null);
    }
    assert.deepEqual(noted, ["before", "after"]);
  });
});
