import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Inventory, Volume, VolumeId } from "../../src/domain/card.ts";
import { pathKey } from "../../src/domain/card-path.ts";
import { Failure } from "../../src/domain/failure.ts";
import { offload } from "../../src/ingest/offload.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import type { Told } from "../../src/ingest/report.ts";

const volume: Volume = { id: "v" as VolumeId, root: "/card", label: "EOS" };
const file = { path: new TextEncoder().encode("DCIM/IMG_0001.JPG"), sizeBytes: 1, modifiedMs: 1 };
const options = { rescan: "stat", readers: 1, reserveBytes: 0, verifySource: false, sharing: null } as const;
const kept = { digest: "as it was", files: 1 };
const never = new AbortController().signal;

interface World {
  /** Digests of what the card shows, one listing after the other. */
  readonly shows: string[];
  readonly isThere?: boolean;
  readonly hasSecond?: boolean;
  readonly suspects?: readonly Uint8Array[];
  readonly unfinished?: object;
  readonly isFull?: boolean;
}

/** Offloads a card whose file is kept; tells whether its names were looked at, and what is remembered of it. */
async function run(world: World, how: Partial<typeof options> | { rescan: "sampled" } = {}) {
  const {
    shows,
    isThere = true,
    hasSecond = false,
    suspects = [],
    unfinished = null,
    isFull = false,
  } = world;
  const [remembered, told]: [string[], Told[]] = [[], []];
  let isCompared = false;
  let listings = 0;
  const ports = {
    second: hasSecond ? {} : null,
    cards: {
      assertPresent: async () => {},
      failedRequests: async () => null,
      async list(_: Volume, __: AbortSignal, before?: { digest?: string }) {
        listings++;
        const digest = shows.length > 1 ? shows.shift() : shows[0];
        assert.ok(digest);
        return before?.digest === digest
          ? before
          : ({ files: [file], refused: [], digest } satisfies Inventory);
      },
    },
    library: {
      holdsEach: (all: readonly unknown[]) => all.map(() => isThere),
      headHashes: async () => ["head"],
      proof: () => "cold",
    },
    catalog: {
      known() {
        isCompared = true;
        return new Map([[pathKey(file.path), { ...file, hash: "", headHash: "head" }]]);
      },
      suspects: () => suspects,
      unsuspect: () => {},
      unfinishedSession: () => unfinished,
      lastSession: () => null,
      keptListing: () => kept,
      keepListing(_: VolumeId, digest: string) {
        if (isFull) throw new Failure("disk-full", "not a byte is free");
        remembered.push(digest);
      },
      originalsOf: () => [{ path: "o", sizeBytes: 1 }],
      openSession: () => assert.fail("nothing is new"),
    },
  };
  const offloaded = await offload(
    volume,
    { ...options, ...how },
    ports as unknown as Ports,
    (one) => told.push(one),
    never,
  );
  return { offloaded, isCompared, listings, remembered, told };
}

describe("a card that looks as it did when everything on it was kept", () => {
  it("is listed twice, and no file of it is compared", async () => {
    const { offloaded, isCompared, listings, told } = await run({ shows: [kept.digest] });
    assert.deepEqual({ isCompared, listings }, { isCompared: false, listings: 2 });
    assert.deepEqual(told, [{ kind: "listed", files: 1, fresh: [] }]);
    const { foundFiles, knownFiles, removal, files } = offloaded;
    assert.deepEqual({ foundFiles, knownFiles, files }, { foundFiles: 1, knownFiles: 1, files: null });
    assert.deepEqual(
      [removal.isSameListing, removal.foundFiles, removal.keptFiles, removal.failed],
      [true, 1, 1, []],
    );
  });

  it("gives its names to whoever certifies it", async () => {
    const { offloaded, isCompared, listings } = await run({ shows: [kept.digest], hasSecond: true });
    assert.deepEqual([isCompared, listings, offloaded.files], [false, 2, [file]]);
  });

  it("is compared when an original is gone, when the second listing differs, and when more is left to do", async () => {
    const session = { id: 1 };
    await assert.rejects(run({ shows: [kept.digest], isThere: false }), /nothing is new/);
    assert.equal((await run({ shows: ["other"] })).isCompared, true);
    assert.equal((await run({ shows: [kept.digest, "other"] })).isCompared, true);
    assert.equal((await run({ shows: [kept.digest], suspects: [file.path] })).isCompared, true);
    assert.equal((await run({ shows: [kept.digest] }, { rescan: "sampled" })).isCompared, true);
    await assert.rejects(run({ shows: [kept.digest], unfinished: session }));
  });

  it("is remembered by its new looks once all of it was kept, but not while something of it is in doubt", async () => {
    assert.deepEqual((await run({ shows: ["other"] })).remembered, ["other"]);
    assert.deepEqual((await run({ shows: ["other"], suspects: [file.path] })).remembered, []);
    const { offloaded } = await run({ shows: ["other"], isFull: true });
    assert.equal(offloaded.removal.keptFiles, 1);
  });
});
