import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import Database from "better-sqlite3";
import { RECORDS } from "../../src/domain/layout.ts";
import type { MediaKind } from "../../src/domain/media.ts";
import { isShown } from "../../src/domain/media.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import type { FlakyS3 } from "./flaky-s3.ts";
import { assertDelivered } from "./gallery-in-store.ts";
import { lookInto } from "./look-into.ts";
import { assertRecords, assertSecondCopies } from "./records.ts";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Content hashes of every file below a folder, by path. */
export async function hashesBelow(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []))
    if (entry.isFile())
      hashes.set(
        join(entry.parentPath, entry.name),
        sha256(await readFile(join(entry.parentPath, entry.name))),
      );
  return hashes;
}

/** Where the catalog of a library is unless `GHOSTROLL_DB_PATH` says otherwise. */
const catalogIn = (base: string) => join(base, "ghostroll.db");

/** Whether we wrote it ourselves, next to the originals. */
const isRecord = (path: string) => (Object.values(RECORDS) as string[]).includes(basename(path));

interface OriginalRow {
  readonly hash: string;
  readonly path: string;
  readonly kind: MediaKind;
}

interface Sound {
  /** Contents with a row, and which those are. */
  readonly kept: number;
  readonly hashes: ReadonlySet<string>;
  /** Those of them that galleries show. */
  readonly shown: number;
  /** Files of sessions that are in a complete gallery. */
  readonly published: number;
}

const NOTHING: Sound = { kept: 0, published: 0, hashes: new Set(), shown: 0 };

/**
 * What must hold at any moment, whatever was killed: each row says what is on disk (I1), also on a second disk that is there,
 * each final name has content that is on the card, whole (I2), nothing is kept twice under two names that both have a row,
 * lists and records of sessions say what their rows say, the database is sound.
 */
export async function assertSound(
  base: string,
  onCard: ReadonlySet<string>,
  file = catalogIn(base),
): Promise<Sound> {
  const onDisk = await hashesBelow(join(base, "originals"));
  for (const [path, hash] of onDisk)
    if (!isRecord(path)) assert.ok(onCard.has(hash), `${path} holds something that is not on the card`);
  const catalog = lookInto(file);
  if (catalog === null) return NOTHING;
  try {
    assert.equal(catalog.pragma("integrity_check", { simple: true }), "ok");
    // Killed before the first migration was committed.
    if (catalog.pragma("user_version", { simple: true }) === 0) return NOTHING;
    const rows = catalog.prepare("SELECT hash, path, kind FROM original").all() as OriginalRow[];
    for (const { hash, path } of rows)
      assert.equal(onDisk.get(join(base, path)), hash, `the row of ${path} lies`);
    await assertRecords(base, catalog);
    await assertSecondCopies(catalog);
    const published = catalog
      .prepare("SELECT count(*) FROM card_file WHERE state = 'published'")
      .pluck()
      .get();
    const shown = rows.filter(({ kind }) => isShown(kind)).length;
    return {
      kept: rows.length,
      published: Number(published),
      hashes: new Set(rows.map(({ hash }) => hash)),
      shown,
    };
  } finally {
    catalog.close();
  }
}

/**
 * What must hold when an ingest into a library without a bucket has ended well: everything once, the gallery complete, each
 * of its pictures there with the bytes that the catalog knows.
 */
export async function assertComplete(
  base: string,
  onCard: ReadonlySet<string>,
  tiles: number,
  file = catalogIn(base),
  ever = onCard,
): Promise<void> {
  await assertNothingLeft(base, onCard, file, ever);
  const objects = await objectsIn(base);
  const shown = assertDelivered(file, { objects }, "o", "");
  assert.equal(shown.tiles, tiles, "the gallery shows every picture");
  const indexes = [...objects.keys()].filter((key) => key.endsWith("/i.json"));
  assert.equal(shown.complete, indexes.length, "each gallery says that it is complete");
}

/**
 * What must hold when an ingest has ended well, wherever its galleries are: everything kept once, nothing left to do. A file
 * without a row is one of `ever`, also once: it had its name when the process was killed, and by the next start the card had
 * something else in its place.
 */
export async function assertNothingLeft(
  base: string,
  onCard: ReadonlySet<string>,
  file = catalogIn(base),
  ever = onCard,
): Promise<void> {
  const { hashes } = await assertSound(base, ever, file);
  assert.deepEqual(hashes, onCard, "every content of the card has a row, and no other has");
  const files = [...(await hashesBelow(join(base, "originals")))].filter(([path]) => !isRecord(path));
  const contents = new Set(files.map(([, hash]) => hash));
  assert.equal(files.length, contents.size, "every content is kept once");
  if (ever === onCard) assert.equal(contents.size, onCard.size, "whatever is kept has a row");
  assert.deepEqual(await readdir(join(base, "incoming")), [], "no half copy is left");
  const catalog = new Database(file, { readonly: true });
  try {
    const open = catalog
      .prepare("SELECT count(*) FROM card_file WHERE state NOT IN ('published', 'duplicate', 'failed')")
      .pluck()
      .get();
    assert.equal(open, 0, "nothing is left to do");
    assert.equal(catalog.prepare("SELECT count(*) FROM session WHERE is_published = 0").pluck().get(), 0);
  } finally {
    catalog.close();
  }
}

/** What is in the store of a library without a bucket, as `assertDelivered` reads it. */
async function objectsIn(base: string): Promise<FlakyS3["objects"]> {
  const store = await openDirectoryStore({
    root: join(base, "store"),
    secretFile: join(base, "link-secret"),
    baseUrl: "http://127.0.0.1/o/",
    linkSeconds: 3600,
  });
  try {
    const never = new AbortController().signal;
    const objects = new Map<string, { bytes: Buffer; headers: Record<string, string>; isWhole: boolean }>();
    for await (const key of store.list("", never)) {
      const bytes = Buffer.from((await store.get(key, never)) ?? []);
      const isPacked = bytes.subarray(0, 2).toString("latin1") === "\x1f\x8b";
      objects.set(key, { bytes, headers: isPacked ? { "content-encoding": "gzip" } : {}, isWhole: true });
    }
    return objects;
  } finally {
    await store.close();
  }
}
