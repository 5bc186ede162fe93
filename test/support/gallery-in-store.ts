import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import type { Chunk, Index } from "../../src/gallery/format.ts";
import type { FlakyS3 } from "./flaky-s3.ts";

export interface Delivered {
  /** Files whose pictures the catalog says are in the store. */
  readonly uploaded: number;
  /** Pictures that galleries show now, and how many of the galleries say that they are complete. */
  readonly tiles: number;
  readonly complete: number;
}

/**
 * What must hold between a catalog and a server at any moment: an object that the catalog claims is there with these bytes,
 * and so is every picture of a file that is uploaded (I3); whatever a gallery names that a guest can open is there, pictures
 * only from files that are uploaded (I4). `root` is what comes before our keys in the bucket, with its slash.
 */
export function assertDelivered(
  catalogFile: string,
  server: Pick<FlakyS3, "objects">,
  bucket: string,
  root: string,
): Delivered {
  const catalog = new Database(catalogFile, { readonly: true });
  try {
    const claims = catalog.prepare("SELECT key, sha256 FROM object").all() as Claim[];
    for (const { key, sha256: expected } of claims)
      assert.equal(hashOf(server, root + key), expected, `the catalog claims other bytes of ${key}`);
    const pictures = catalog
      .prepare(
        `SELECT 'g/' || slug || '/p/' || hash || '-' || preset || '.jpg' AS key, sha256 FROM card_file
           JOIN session ON session.id = card_file.session JOIN rendition USING (hash) WHERE state IN ('uploaded', 'published')`,
      )
      .all() as Claim[];
    for (const { key, sha256: expected } of pictures)
      assert.equal(hashOf(server, root + key), expected, `${key} is uploaded, says the catalog`);
    const uploaded = new Set(pictures.map(({ key }) => key));
    const slugs = catalog.prepare("SELECT slug FROM session").pluck().all() as string[];
    const shown = slugs.map((slug) => assertGallery(server, bucket, root, slug, uploaded));
    const count = catalog.prepare("SELECT count(*) FROM card_file WHERE state IN ('uploaded', 'published')");
    return {
      uploaded: Number(count.pluck().get()),
      tiles: shown.reduce((sum, { tiles }) => sum + tiles, 0),
      complete: shown.filter(({ isComplete }) => isComplete).length,
    };
  } finally {
    catalog.close();
  }
}

interface Claim {
  readonly key: string;
  readonly sha256: string;
}

/** Follows a gallery as its page does: shell and numbered pages by their links, index, chunks, pictures. */
function assertGallery(
  server: Pick<FlakyS3, "objects">,
  bucket: string,
  root: string,
  slug: string,
  uploaded: ReadonlySet<string>,
): { tiles: number; isComplete: boolean } {
  const folder = `g/${slug}`;
  // Numbered pages are reached from the shell alone, and it is put last.
  const shell = `${root}${folder}/v`;
  const isOpen = server.objects.has(shell);
  const pages = [...server.objects.keys()].filter((key) => key.startsWith(`${root}${folder}/n/`));
  for (const key of isOpen ? [shell, ...pages] : [])
    for (const [, path = ""] of (read(server, key) ?? "").matchAll(/https?:\/\/[^/"]+\/([^?"&\s]+)\?/g))
      assert.ok(server.objects.has(keyIn(path, bucket)), `${key} names ${path}, which is not there`);

  const text = read(server, `${root}${folder}/i.json`);
  if (text === null) return { tiles: 0, isComplete: false };
  const index = JSON.parse(text) as Index;
  let tiles = 0;
  let isAsNamed = true;
  for (const [number, [version]] of index.chunks.entries()) {
    const key = `${root}${folder}/${index.folder}${number}.json`;
    assert.ok(server.objects.has(key), `the index names ${key}, which is not there`);
    const chunk = read(server, key);
    // The server has answered 200 for half of it: nobody claims it, the next run puts it again.
    if (chunk === null) {
      isAsNamed = false;
      continue;
    }
    const { version: found, entries } = JSON.parse(chunk) as Chunk;
    // Put before its index, so an index may be older for a moment.
    isAsNamed &&= found === version;
    for (const [hash] of entries) {
      tiles++;
      if (hash !== "")
        for (const preset of ["thumb", "share"]) {
          const picture = `${folder}/p/${hash}-${preset}.jpg`;
          assert.ok(uploaded.has(picture), `${key} names ${picture}, which is not uploaded`);
        }
    }
  }
  if (isAsNamed) assert.equal(tiles, index.count, `${folder} promises another number of photos than it has`);
  return { tiles, isComplete: index.state === "complete" };
}

/** The text of an object as it was put; null when there is none, or the server has kept only a part of it. */
function read(server: Pick<FlakyS3, "objects">, key: string): string | null {
  const stored = server.objects.get(key);
  if (stored?.isWhole !== true) return null;
  const isPacked = stored.headers["content-encoding"] === "gzip";
  return (isPacked ? gunzipSync(stored.bytes) : stored.bytes).toString();
}

function hashOf(server: Pick<FlakyS3, "objects">, key: string): string | null {
  const stored = server.objects.get(key);
  return stored === undefined ? null : createHash("sha256").update(stored.bytes).digest("hex");
}

function keyIn(path: string, bucket: string): string {
  const decoded = decodeURIComponent(path);
  return decoded.startsWith(`${bucket}/`) ? decoded.slice(bucket.length + 1) : decoded;
}
