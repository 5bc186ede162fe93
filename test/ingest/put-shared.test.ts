import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { pathKey } from "../../src/domain/card-path.ts";
import { Failure } from "../../src/domain/failure.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { keys } from "../../src/domain/layout.ts";
import { mediaByName } from "../../src/domain/media.ts";
import type { NewObject } from "../../src/domain/object.ts";
import type { Session } from "../../src/domain/session.ts";
import type { Chunk, Index } from "../../src/gallery/format.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";
import { join as joinGallery } from "../../src/ingest/join.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import { putGallery } from "../../src/ingest/publish.ts";
import { takeDown } from "../../src/ingest/take-down.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import { revocableStore } from "../../src/remote/revocable-store.ts";
import { templates } from "../support/gallery-store.ts";
import { randomFrom } from "../support/random.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const galleries = openGalleries({ templates });
const sha256 = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));
const PARTY = "party";
/** A race takes a third of a second, most of it for the catalogs' commits; the long form is for those who change the protocol. */
const RACES = process.env["GHOSTROLL_LONG"] ? 200 : 8;
/** More than two chunks, so that photos wander from one to the next. */
const PHOTOS = 200;

class Death extends Error {}

/** What the head of a part names, and whoever has read that asks for next. */
const isChunkOfPart = (key: string) => /^stations\/.*\/[0-9a-f]{16}\.json$/.test(key);

/** A store as strongly consistent as S3, in memory; whatever asks it for something lets others go first for a while. */
function openMemory(random: () => number, onWrite: () => void = () => {}) {
  const objects = new Map<string, { bytes: Uint8Array; tag: string }>();
  let puts = 0;
  const write = ({ key, body }: NewObject) => {
    assert.ok("bytes" in body);
    objects.set(key, { bytes: body.bytes, tag: `${++puts}` });
    onWrite();
  };
  const below = (prefix: string) =>
    [...objects.keys()].filter((key) => key === prefix || key.startsWith(`${prefix}/`));
  /** The store as one station has it, which dies at its `lastStep`-th request: before or after the store has done it. */
  const openFor = (lastStep: number, doesReplace = true): Ports["store"] => {
    let [step, isDead] = [0, false];
    const ask = async <Answer>(act: () => Answer): Promise<Answer> => {
      const isLast = ++step === lastStep;
      for (let turns = random() * 6; turns > 0; turns--) await setImmediate();
      // With the process end also the requests that it had under way.
      if (isDead) throw new Death();
      isDead = isLast;
      if (isLast && random() < 0.5) throw new Death();
      const answer = act();
      if (isDead) throw new Death();
      return answer;
    };
    return {
      isOffsite: true,
      put: (object) => ask(() => write(object)),
      has: (key) => ask(() => (objects.has(key) ? { sizeBytes: 1, sha256: null } : null)),
      get: (key) => ask(() => objects.get(key)?.bytes ?? null),
      getTagged: (key) => ask(() => objects.get(key) ?? null),
      replace: (object, tag) =>
        ask(() => {
          const isSame = (objects.get(object.key)?.tag ?? null) === tag;
          if (isSame || !doesReplace) write(object);
          return isSame || !doesReplace;
        }),
      deletePrefix: async (prefix) => {
        // As S3: a list, and then whatever was in it.
        const found = await ask(() => below(prefix));
        return ask(() => found.filter((key) => objects.delete(key)).length);
      },
      sign: async (some) => ({
        base: "https://store/",
        query: "q",
        signatureName: "s",
        signatures: some.map((key) => sha256(key).slice(0, 8)),
        expiresMs: 1e12,
      }),
    } as Ports["store"];
  };
  return { openFor, below, bytes: (key: string) => objects.get(key)?.bytes ?? null, puts: () => puts };
}

type Memory = ReturnType<typeof openMemory>;

/** What is shown now, read as a page does it: every chunk has to be as the index says. */
function shown(memory: Memory, slug: string): { index: Index; seconds: number[] } {
  const json = <Content>(key: string) =>
    JSON.parse(gunzipSync(memory.bytes(key) ?? assert.fail(`${key} is missing`)).toString()) as Content;
  const index = json<Index>(keys.index(slug));
  const chunks = index.chunks.map((_, number) => json<Chunk>(`g/${slug}/${index.folder}${number}.json`));
  for (const [number, { version }] of chunks.entries()) assert.equal(version, index.chunks[number]?.[0]);
  return { index, seconds: chunks.flatMap(({ entries }) => entries.map((entry) => entry[4] ?? -1)) };
}

/** A box with a catalog of its own, whose photos need no file: all that is asked here is what the rows say. */
async function openStation(t: TestContext) {
  const catalog = openCatalog(join(await tempFolder(t), "ghostroll.db"), "memory");
  t.after(() => catalog.close());
  const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
  const card = (number: number) => ({ path: Buffer.from(`IMG_${number}.JPG`), sizeBytes: 1, modifiedMs: 1 });
  const library = { writeRecord: async () => {} };
  /** As a process has them: what is revoked is refused from the moment on at which the row says so. */
  const portsOf = (store: Ports["store"]) =>
    ({
      catalog,
      library,
      store: revocableStore(store as ObjectStore, catalog.isRevoked),
      galleries,
    }) as unknown as Ports;
  let session: Session | null = null;

  return {
    catalog,
    /** Photos that are in the store as far as the rows say; the second `number` of the day is their time. */
    bring(numbers: readonly number[]): Session {
      session ??= catalog.openSession(volume, "undated", numbers.map(card), {
        gallery: PARTY,
        station: "pi",
      });
      catalog.beginDelivery(session.id);
      const settled = catalog.settledPaths(session.id);
      catalog.find(
        session.id,
        numbers.map(card).filter(({ path }) => !settled.has(pathKey(path))),
      );
      const kept = catalog.pending(session.id).map((file) => {
        const name = Buffer.from(file.path).toString();
        const copy = {
          hash: sha256(name),
          headHash: sha256(name),
          sizeBytes: 1,
          media: mediaByName(name),
          part: "",
        };
        return { to: "stored" as const, file, copy, path: `originals/${name}` };
      });
      catalog.settle(session, kept);
      const rendered = catalog.stored(session.id, PHOTOS).map((file) => ({
        file,
        derived: {
          renditions: [
            { preset: "thumb" as const, width: 480, height: 320, sizeBytes: 1, sha256: file.hash },
          ],
          color: null,
          note: null,
        },
        capture: {
          takenMs: Number(/\d+/.exec(file.name)?.[0]) * 1000,
          offsetMinutes: null,
          takenFrom: "exif" as const,
          camera: null,
          lens: null,
          exposure: null,
        },
      }));
      catalog.markRendered(rendered);
      catalog.markUploaded(rendered.map(({ file }) => file.id));
      return session;
    },
    /** Joins and puts the gallery, as each run does; returns its slug. */
    async put(store: Ports["store"], state: "uploading" | "complete"): Promise<string> {
      assert.ok(session);
      const ports = portsOf(store);
      const joined = await joinGallery(catalog.sessionNamed(session.id) ?? session, ports, never);
      // After a gallery was revoked, everything goes up again.
      catalog.markUploaded(catalog.rendered(session.id, PHOTOS).map(({ file }) => file.id));
      await putGallery(joined, state, "", null, ports, never);
      catalog.markPublished(session.id, state === "complete");
      return joined.slug;
    },
    /** Revokes the gallery, or goes on with that; returns its slug. */
    async revoke(store: Ports["store"]): Promise<string> {
      assert.ok(session);
      const { slug } = catalog.sessionNamed(session.id) ?? session;
      if (!catalog.isRevoked(slug)) catalog.revoke(session.id);
      const { failure } = await takeDown(portsOf(store), never);
      assert.equal(failure, null);
      return slug;
    },
  };
}

/** Three stations bring overlapping photos step by step, all at once, and die anywhere; some come back, some never do. */
async function race(t: TestContext, seed: number): Promise<{ deaths: number; photos: number }> {
  const random = randomFrom(seed);
  const [acknowledged, brought] = [new Set<number>(), new Set<number>()];
  let [deaths, slug] = [0, ""];
  /** Whatever has been written a moment ago, the page shows each photo that anybody was told is published. */
  const look = () => {
    if (slug === "" || memory.bytes(keys.index(slug)) === null) return;
    const { index, seconds } = shown(memory, slug);
    const inOrder = [...new Set(seconds)].toSorted((a, b) => a - b);
    assert.deepEqual(seconds, inOrder, `seed ${seed}: in order, each once`);
    const lost = [...acknowledged].filter((number) => !seconds.includes(number));
    assert.deepEqual(lost, [], `seed ${seed}: lost`);
    assert.ok(seconds.every((number) => brought.has(number)));
    assert.equal(index.count, seconds.length);
  };
  const memory = openMemory(randomFrom(seed * 7919), look);
  const run = async () => {
    const station = await openStation(t);
    const mine = new Set<number>();
    for (const state of ["uploading", "uploading", "uploading", "complete"] as const) {
      for (let count = 10 + random() * 40; count > 0; count--) mine.add(Math.floor(random() * PHOTOS));
      station.bring([...mine]);
      for (const number of mine) brought.add(number);
      for (let isPut = false; !isPut; ) {
        const lastStep = random() < 0.5 ? 1 + Math.floor(random() * 30) : Number.POSITIVE_INFINITY;
        try {
          slug = await station.put(memory.openFor(lastStep), state);
          isPut = true;
        } catch (error) {
          if (!(error instanceof Death)) throw error;
          deaths++;
          if (random() < 0.1) return;
        }
      }
      for (const number of mine) acknowledged.add(number);
      look();
    }
  };
  await Promise.all([run(), run(), run()]);
  return { deaths, photos: acknowledged.size };
}

/**
 * The same, but one of them revokes the gallery while the others fill it, and all may die anywhere and come back. Returns how
 * many deaths there were, and how often a station found the gallery gone.
 */
async function raceOfRevoking(t: TestContext, seed: number): Promise<{ deaths: number; gone: number }> {
  const random = randomFrom(seed);
  const memory = openMemory(randomFrom(seed * 7919));
  let [deaths, gone] = [0, 0];
  /** As often as it dies, and for the other stations as often as the gallery is gone. */
  const insist = async (act: (store: Ports["store"]) => Promise<string>): Promise<string> => {
    for (;;)
      try {
        const lastStep = random() < 0.3 ? 1 + Math.floor(random() * 30) : Number.POSITIVE_INFINITY;
        return await act(memory.openFor(lastStep));
      } catch (error) {
        if (error instanceof Death) deaths++;
        else if (error instanceof Failure && error.code === "gallery-gone") gone++;
        else throw error;
      }
  };
  let [next, revoked] = [0, ""];
  const run = async (revokes: boolean) => {
    const station = await openStation(t);
    const mine: number[] = [];
    for (const state of ["uploading", "uploading", "uploading", "complete"] as const) {
      for (let count = 5; count > 0; count--) mine.push(next++);
      station.bring(mine);
      await insist(async (store) => station.put(store, state));
      if (revokes && random() < 0.5) break;
    }
    if (revokes) revoked = await insist(async (store) => station.revoke(store));
    return { catalog: station.catalog, mine };
  };
  const [, ...others] = await Promise.all([run(true), run(false), run(false)]);
  const left = [...memory.below(keys.gallery(revoked)), ...memory.below(keys.parts(revoked))];
  assert.deepEqual(left, [], `seed ${seed}: came back`);
  // Whoever had completed it before looks no more; everybody else is in the next gallery of that name.
  for (const { catalog, mine } of others)
    for (const { slug } of catalog.allSessions().filter((one) => one.slug !== revoked))
      assert.deepEqual(
        mine.filter((number) => !shown(memory, slug).seconds.includes(number)),
        [],
      );
  return { deaths, gone };
}

describe("a gallery that three stations fill at once", () => {
  for (const moment of ["getTagged", "get", "replace"] as const)
    it(`that is revoked just before another station's ${moment} goes to the next gallery of its name, and the old one stays gone`, async (t) => {
      const memory = openMemory(randomFrom(1));
      const [owner, other] = [await openStation(t), await openStation(t)];
      for (const [index, station] of [owner, other].entries()) station.bring([1 + index]);
      const slug = await owner.put(memory.openFor(1e9), "complete");
      const store = memory.openFor(1e9);
      const revoking = async (key: string) => {
        if (!key.startsWith("g/") && !isChunkOfPart(key)) return;
        if (!owner.catalog.isRevoked(slug)) await owner.revoke(memory.openFor(1e9));
      };
      const overtaken: Ports["store"] = {
        ...store,
        async getTagged(key, signal) {
          if (moment === "getTagged") await revoking(key);
          return store.getTagged(key, signal);
        },
        async get(key, signal) {
          if (moment === "get") await revoking(key);
          return store.get(key, signal);
        },
        async replace(object, tag, signal) {
          if (moment === "replace") await revoking(object.key);
          return store.replace(object, tag, signal);
        },
      };
      await assert.rejects(
        other.put(overtaken, "complete"),
        (error) => error instanceof Failure && error.code === "gallery-gone",
      );
      assert.deepEqual([...memory.below(keys.gallery(slug)), ...memory.below(keys.parts(slug))], []);
      assert.ok(other.catalog.isRevoked(slug) && other.catalog.toTakeDown().length === 0);
      const next = await other.put(store, "complete");
      assert.notEqual(next, slug);
      assert.deepEqual(shown(memory, next).seconds, [2]);
      assert.deepEqual(memory.below(keys.gallery(slug)), []);
    });

  it("that one of them revokes never comes back, whoever is at it or dies where", async (t) => {
    const all = { deaths: 0, gone: 0 };
    let races = 0;
    // A seed says when each lets others go first, not how long the packing of pages takes: in some races nobody is overtaken,
    // and more of them are held until it has been so often.
    while (races < RACES || (all.gone < RACES && races < 5 * RACES)) {
      const { deaths, gone } = await raceOfRevoking(t, ++races);
      all.deaths += deaths;
      all.gone += gone;
    }
    assert.ok(all.deaths > RACES && all.gone >= RACES, JSON.stringify(all));
    t.diagnostic(`${races} races, ${all.deaths} deaths, ${all.gone} times found gone: nothing of it left`);
  });

  it("shows, at any moment and whoever dies where, all that any of them has published, once and in order", async (t) => {
    const all = { deaths: 0, photos: 0 };
    for (let seed = 1; seed <= RACES; seed++) {
      const { deaths, photos } = await race(t, seed);
      all.deaths += deaths;
      all.photos += photos;
    }
    assert.ok(all.deaths > RACES && all.photos > 50 * RACES, JSON.stringify(all));
    t.diagnostic(
      `${RACES} races of three stations, ${all.deaths} deaths, ${all.photos} photos: none missing at any moment`,
    );
  });

  it("puts nothing when a station publishes again what all can see", async (t) => {
    const memory = openMemory(randomFrom(1));
    const stations = [await openStation(t), await openStation(t)];
    for (const [index, station] of stations.entries()) station.bring([1 + index, 2 + index]);
    for (const station of stations) await station.put(memory.openFor(1e9), "complete");
    await stations[0]?.put(memory.openFor(1e9), "complete");
    const before = memory.puts();
    for (const station of stations) await station.put(memory.openFor(1e9), "complete");
    assert.equal(memory.puts(), before);
  });

  it("is refused, in a sentence, where the store lets two win", async (t) => {
    const memory = openMemory(randomFrom(1));
    const station = await openStation(t);
    station.bring([1]);
    await assert.rejects(
      station.put(memory.openFor(1e9, false), "uploading"),
      (error) => error instanceof Failure && error.code === "remote-unconditional",
    );
  });
});
