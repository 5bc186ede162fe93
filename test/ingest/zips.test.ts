import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { Failure } from "../../src/domain/failure.ts";
import { keys } from "../../src/domain/layout.ts";
import type { NewObject } from "../../src/domain/object.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";
import { openPictures } from "../../src/imaging/pictures.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import type { Told } from "../../src/ingest/report.ts";
import { zipGalleries } from "../../src/ingest/zip-galleries.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import { pictureCard } from "../support/card.ts";
import { templates } from "../support/gallery-store.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { hashesBelow, sha256 } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const PICTURES = 8;
const GIGABYTE = 1_000_000_000;
const never = new AbortController().signal;

interface Wishes {
  readonly zipBytes?: number;
  readonly freeBytes?: number;
  /** What the store does first: throws to refuse. */
  readonly beforePut?: (object: NewObject) => void;
  readonly beforeDelete?: () => void;
}

/** A library with a complete gallery and no zips, and its rooms, of which the store writes down what it is asked. */
async function library(t: TestContext) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const card = await pictureCard(join(folder, "EOS"), PICTURES);
  const flags = ["--base-dir", base, "--no-serve", "--set", "ZIPS=off"];
  const { code, out, err } = await ghostroll(["ingest", card, ...flags]);
  assert.equal(code, 0, out + err);
  const store = await openDirectoryStore({
    root: join(base, "store"),
    secretFile: join(base, "link-secret"),
    baseUrl: "http://ghostroll.test/o/",
    linkSeconds: 3600,
  });
  const pictures = openPictures({
    root: base,
    render: { run: () => assert.fail("nothing is rendered for a zip"), prepare() {} },
    presets: [],
    maxPixels: 1,
    preview: null,
  });
  const file = join(base, "ghostroll.db");
  const slug = inCatalog("SELECT slug FROM session").pluck().get() as string;

  function inCatalog(sql: string) {
    const catalog = new Database(file);
    t.after(() => void catalog.close());
    return catalog.prepare(sql);
  }

  /** Makes the zips once more. */
  async function zip({ zipBytes = GIGABYTE, freeBytes = GIGABYTE, beforePut, beforeDelete }: Wishes = {}) {
    inCatalog("UPDATE session SET is_zipped = 0").run();
    const catalog = openCatalog(file, `directory ${base}`);
    const [puts, gets, told]: [string[], string[], Told[]] = [[], [], []];
    const ports = {
      catalog,
      pictures,
      galleries: openGalleries({ templates, zipBytes }),
      library: { freeBytes: async () => freeBytes },
      store: {
        ...store,
        async put(object: NewObject) {
          beforePut?.(object);
          await store.put(object, never);
          puts.push(object.key);
        },
        async get(key: string) {
          gets.push(key);
          return store.get(key, never);
        },
        async deletePrefix(key: string) {
          beforeDelete?.();
          return store.deletePrefix(key, never);
        },
      },
    } as unknown as Ports;
    try {
      const failure = await zipGalleries(
        { title: "", zipReserveBytes: 1000 },
        ports,
        (fact) => told.push(fact),
        never,
      );
      return { failure, puts, gets, told, isDone: catalog.unzipped().length === 0 };
    } finally {
      catalog.close();
    }
  }

  return {
    base,
    zip,
    /** Keys of zips in the store, and their bytes. */
    async zips(): Promise<Map<string, Uint8Array>> {
      const found = new Map<string, Uint8Array>();
      for await (const key of store.list(keys.gallery(slug), never))
        if (key.includes("/z/")) found.set(key, (await store.get(key, never)) ?? new Uint8Array());
      return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
    /** What guests read of the zips, and the keys that it links to. */
    async shown() {
      const html = gunzipSync((await store.get(keys.shell(slug), never)) ?? "").toString();
      const links = [...html.matchAll(/href="http:\/\/ghostroll\.test\/o\/([^?"]+\.zip)\?/g)];
      return {
        words: /Download all \([^)]*\)/.exec(html)?.[0] ?? null,
        keys: links.map(([, key = ""]) => key).toSorted(),
      };
    },
    async shares(): Promise<[path: string, hash: string][]> {
      return [...(await hashesBelow(join(base, "renditions")))].filter(([path]) =>
        path.endsWith("-share.jpg"),
      );
    },
  };
}

describe("the zips of a gallery", () => {
  it("of several parts are all linked, whole, and put once", { skip: lacks("unzip") }, async (t) => {
    const { zip, zips, shown, shares } = await library(t);
    const all = await shares();
    const limit = 10_000;
    const first = await zip({ zipBytes: limit });
    assert.equal(first.failure, null);
    const parts = await zips();
    assert.ok(parts.size > 1);
    assert.match(
      (await shown()).words ?? "",
      new RegExp(`^Download all \\(8 photos, ${parts.size} parts, \\d+ kB\\)$`),
    );
    assert.deepEqual((await shown()).keys, [...parts.keys()]);
    const folder = await tempFolder(t);
    for (const [key, bytes] of parts) {
      assert.ok(bytes.length <= limit);
      assert.match(key, new RegExp(`-\\d-of-${parts.size}\\.zip$`));
      await writeFile(join(folder, "part.zip"), bytes);
      execFileSync("unzip", ["-q", join(folder, "part.zip"), "-d", join(folder, "out")]);
    }
    const unpacked = [...(await hashesBelow(join(folder, "out"))).values()];
    assert.deepEqual(unpacked.toSorted(), all.map(([, hash]) => hash).toSorted());
    const again = await zip({ zipBytes: limit });
    assert.deepEqual([again.puts, again.gets, again.isDone], [[], [], true]);
  });

  it("have the pictures that guests see when a rendition in the library is gone or rotten", async (t) => {
    const { base, zip, zips, shares } = await library(t);
    await zip();
    const [[key = "", good = new Uint8Array()] = []] = await zips();
    await zip({ zipBytes: 1 });
    const [gone, rotten] = (await shares()).map(([path]) => path);
    assert.ok(gone !== undefined && rotten !== undefined);
    await rm(gone);
    const bytes = await readFile(rotten);
    await rm(rotten);
    await writeFile(rotten, bytes.fill(0, bytes.length - 100));
    const { gets } = await zip();
    assert.equal(new Set(gets).size, 2);
    assert.equal(sha256((await zips()).get(key) ?? new Uint8Array()), sha256(good));
    await rm(join(base, "renditions"), { recursive: true });
    assert.deepEqual((await zip()).gets, [], "nothing is read for what is there");
  });

  it("of another list take the place of those before, also where it may not delete at first", async (t) => {
    const { zip, zips, shown } = await library(t);
    await zip({ zipBytes: 10_000 });
    const before = [...(await zips()).keys()];
    const refuse = () => {
      throw new Failure("remote-refused", "no right to delete");
    };
    const { failure, isDone } = await zip({ beforeDelete: refuse });
    assert.deepEqual([failure, isDone], [null, true]);
    const now = (await shown()).keys;
    assert.equal(now.length, 1);
    assert.deepEqual([...(await zips()).keys()], [...before, ...now].toSorted());
    await zip();
    assert.deepEqual([...(await zips()).keys()], now);
    await zip({ zipBytes: 0 });
    assert.deepEqual([(await shown()).words, (await zips()).size], [null, 0]);
  });

  it("are shown when all of them are there, and a failure costs only what was not", async (t) => {
    const { zip, zips, shown } = await library(t);
    let left = 1;
    const fail = () => {
      if (left-- === 0) throw new Failure("remote-unreachable", "The network is gone.");
    };
    const broken = await zip({ zipBytes: 10_000, beforePut: fail });
    assert.equal(broken.failure?.code, "remote-unreachable");
    assert.equal(broken.isDone, false);
    assert.equal(broken.puts.length, 1);
    assert.equal((await shown()).words, null);
    const { puts } = await zip({ zipBytes: 10_000 });
    assert.ok(!puts.includes(broken.puts[0] ?? ""));
    assert.deepEqual((await shown()).keys, [...(await zips()).keys()]);
  });

  it("wait for room on the library's disk, and nothing else does", async (t) => {
    const { zip, zips, shown } = await library(t);
    const { failure, puts, told, isDone } = await zip({ freeBytes: 2000 });
    assert.deepEqual([failure, puts, isDone], [null, [], false]);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["zips-put-off"],
    );
    assert.equal((await zips()).size, 0);
    await zip();
    assert.equal((await shown()).keys.length, 1);
  });

  it("of one gallery keep no other from its own, unless it is the store that fails", async (t) => {
    const { base, zip } = await library(t);
    const card = await pictureCard(join(await tempFolder(t), "NIKON"), 2, PICTURES);
    const added = await ghostroll(["ingest", card, "--base-dir", base, "--no-serve", "--set", "ZIPS=off"]);
    assert.equal(added.code, 0, added.out + added.err);
    for (const [code, others] of [
      ["remote-unreachable", 0],
      ["remote-corrupt", 1],
    ] as const) {
      let zips = 0;
      const { failure, puts } = await zip({
        beforePut({ key }) {
          if (key.includes("/z/") && ++zips === 1) throw new Failure(code, "A test.");
        },
      });
      assert.equal(failure?.code, code);
      assert.equal(puts.filter((key) => key.includes("/z/")).length, others, code);
    }
  });
});
