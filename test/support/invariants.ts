import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { RECORDS } from "../../src/domain/layout.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import { lookInto } from "./look-into.ts";

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

/**
 * What must hold at any moment, whatever was killed: each row says what is on disk (I1), each final name has content that
 * is on the card, whole (I2), nothing is kept twice under two names that both have a row, the database is sound.
 */
export async function assertSound(
  base: string,
  onCard: ReadonlySet<string>,
  file = catalogIn(base),
): Promise<{ readonly kept: number; readonly published: number }> {
  const onDisk = await hashesBelow(join(base, "originals"));
  for (const [path, hash] of onDisk)
    if (!isRecord(path)) assert.ok(onCard.has(hash), `${path} holds something that is not on the card`);
  const catalog = lookInto(file);
  if (catalog === null) return { kept: 0, published: 0 };
  try {
    assert.equal(catalog.pragma("integrity_check", { simple: true }), "ok");
    // Killed before the first migration was committed.
    if (catalog.pragma("user_version", { simple: true }) === 0) return { kept: 0, published: 0 };
    const rows = catalog.prepare("SELECT hash, path FROM original").all() as { hash: string; path: string }[];
    for (const { hash, path } of rows)
      assert.equal(onDisk.get(join(base, path)), hash, `the row of ${path} lies`);
    const published = catalog
      .prepare("SELECT count(*) FROM card_file WHERE state = 'published'")
      .pluck()
      .get();
    return { kept: rows.length, published: Number(published) };
  } finally {
    catalog.close();
  }
}

/** What must hold when an ingest into a library without a bucket has ended well: everything once, the gallery complete. */
export async function assertComplete(
  base: string,
  onCard: ReadonlySet<string>,
  tiles: number,
  file = catalogIn(base),
): Promise<void> {
  await assertNothingLeft(base, onCard, file);
  assert.equal(await tilesShown(base), tiles, "the gallery shows every picture");
}

/** What must hold when an ingest has ended well, wherever its galleries are: everything kept once, nothing left to do. */
export async function assertNothingLeft(
  base: string,
  onCard: ReadonlySet<string>,
  file = catalogIn(base),
): Promise<void> {
  const { kept } = await assertSound(base, onCard, file);
  assert.equal(kept, onCard.size, "every content of the card has a row");
  const files = [...(await hashesBelow(join(base, "originals")))].filter(([path]) => !isRecord(path));
  assert.equal(files.length, onCard.size, "every content is kept once");
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

/** How many tiles the indexes in a directory store promise; each says that it is complete. */
async function tilesShown(base: string): Promise<number> {
  const store = await openDirectoryStore({
    root: join(base, "store"),
    secretFile: join(base, "link-secret"),
    baseUrl: "http://127.0.0.1/o/",
    linkSeconds: 3600,
  });
  const never = new AbortController().signal;
  let tiles = 0;
  for await (const key of store.list("g", never)) {
    if (!key.endsWith("/i.json")) continue;
    const bytes = await store.get(key, never);
    const index = JSON.parse(gunzipSync(bytes ?? "").toString()) as { state: string; count: number };
    assert.equal(index.state, "complete");
    tiles += index.count;
  }
  await store.close();
  return tiles;
}
