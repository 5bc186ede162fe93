import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CardFile, Volume, VolumeId } from "../../src/domain/card.ts";
import { pathKey } from "../../src/domain/card-path.ts";
import { Failure } from "../../src/domain/failure.ts";
import { contentHash } from "../../src/domain/hash.ts";
import type { Rescan } from "../../src/ingest/offload-options.ts";
import type { KnownFile, Ports } from "../../src/ingest/ports.ts";
import { knownAndThere, whatIsNew } from "../../src/ingest/what-is-new.ts";

const volume: Volume = { id: "v" as VolumeId, root: "/card", label: "CARD" };
const never = new AbortController().signal;
const fileOf = (number: number): CardFile => ({
  path: Buffer.from(`DCIM/${100 + Math.floor(number / 1000)}CANON/IMG_${number}.JPG`),
  sizeBytes: 100_000 + number,
  modifiedMs: 1000 * number,
});
const headOf = (file: CardFile) => `head ${file.sizeBytes}`;

/** Looks at a card of these files, of which the first so many are known; tells what was asked of the card. */
async function look(
  rescan: Rescan,
  files: readonly CardFile[],
  knownCount: number,
  heads: (asked: readonly CardFile[]) => (string | null)[] = (asked) => asked.map(headOf),
  lost: string | null = null,
) {
  const asked: (readonly CardFile[])[] = [];
  const rows = new Map<string, KnownFile>(
    files.slice(0, knownCount).map((file) => [
      pathKey(file.path),
      {
        ...file,
        hash: contentHash("0".repeat(64)),
        headHash: headOf(file),
        originalPath: `${file.sizeBytes}`,
      },
    ]),
  );
  const ports = {
    catalog: { known: () => rows },
    library: {
      holdsEach: (originals: readonly { path: string }[]) => originals.map(({ path }) => path !== lost),
      async headHashes(_: Volume, some: readonly CardFile[]) {
        asked.push(some);
        return heads(some);
      },
    },
  } as unknown as Ports;
  const options = { rescan, readers: 2, reserveBytes: 0, verifySource: false, sharing: null };
  const known = await knownAndThere(volume, options, ports);
  const fresh = await whatIsNew(volume, { files, refused: [] }, known, options, ports, () => {}, never);
  return { fresh, knownFiles: files.length - fresh.length, asked };
}

describe("a card that was in before", () => {
  const files = Array.from({ length: 41_000 }, (_, number) => fileOf(number));

  it("is not read at all by stat, whatever its size", async () => {
    const { knownFiles, fresh, asked } = await look("stat", files, files.length);
    assert.deepEqual({ knownFiles, fresh, asked }, { knownFiles: files.length, fresh: [], asked: [] });
  });

  it("has each head read once when sampled, in the order of the listing, 64 a message", async () => {
    const { knownFiles, fresh, asked } = await look("sampled", files, files.length);
    assert.deepEqual({ knownFiles, fresh: fresh.length }, { knownFiles: files.length, fresh: 0 });
    assert.equal(asked.length, Math.ceil(files.length / 64));
    assert.ok(asked.flat().every((file, index) => file === files[index]));
  });

  it("has only what is new on it to be read, whatever else is there", async () => {
    const some = files.slice(0, 1000);
    for (const rescan of ["stat", "sampled"] as const) {
      const { knownFiles, fresh, asked } = await look(rescan, some, 990);
      assert.equal(knownFiles, 990);
      assert.deepEqual(fresh, some.slice(990));
      assert.equal(asked.flat().length, rescan === "stat" ? 0 : 990, "a new file is not looked into first");
    }
  });

  it("has a file of the same size and time read when its head differs or cannot be read", async () => {
    const some = files.slice(0, 200);
    const { fresh } = await look("sampled", some, 200, (asked) =>
      asked.map((file) => (file === some[3] ? "another" : file === some[150] ? null : headOf(file))),
    );
    assert.deepEqual(fresh, [some[3], some[150]]);
  });

  it("has a file read again whose original is not in the library any more", async () => {
    const some = files.slice(0, 200);
    for (const rescan of ["stat", "sampled"] as const) {
      const { fresh } = await look(rescan, some, 200, undefined, `${some[70]?.sizeBytes}`);
      assert.deepEqual(fresh, [some[70]]);
    }
  });

  it("is gone when a look at it finds it gone", async () => {
    const gone = () => {
      throw new Failure("card-removed", "It is gone.");
    };
    await assert.rejects(look("sampled", files.slice(0, 100), 100, gone), { code: "card-removed" });
  });
});
