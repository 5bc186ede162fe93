import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Gallery } from "../../src/domain/gallery.ts";
import { keys } from "../../src/domain/layout.ts";
import type { NewObject, SignedLinks } from "../../src/domain/object.ts";
import type { Chunk, Index } from "../../src/gallery/format.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";
import { galleryOf, photo, SLUG, sha256 } from "../support/gallery-items.ts";
import { templates } from "../support/gallery-store.ts";

const galleries = openGalleries({ templates });

/** Links as long as a real store's, with signatures nothing can compress. */
async function sign(wanted: readonly string[]): Promise<SignedLinks> {
  return {
    base: "https://ghostroll-photos.s3.eu-central-1.amazonaws.com/box/",
    query:
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261114%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261114T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host",
    signatureName: "X-Amz-Signature",
    signatures: wanted.map((key) => sha256(`signature of ${key}`)),
    expiresMs: Date.UTC(2026, 10, 21),
  };
}

const wavesOf = async (gallery: Gallery, from = galleries): Promise<NewObject[][]> =>
  (await from.objects(gallery, sign)).map((wave) => [...wave]);

const objectsOf = async (gallery: Gallery): Promise<NewObject[]> => (await wavesOf(gallery)).flat();

function textOf({ body }: NewObject): string {
  assert.ok("bytes" in body);
  return gunzipSync(body.bytes).toString();
}

async function read<Content>(gallery: Gallery, key: string): Promise<Content> {
  const object = (await objectsOf(gallery)).find((one) => one.key === key);
  assert.ok(object, `${key} is missing`);
  return JSON.parse(textOf(object)) as Content;
}

const indexOf = (gallery: Gallery) => read<Index>(gallery, keys.index(SLUG));
const chunkOf = (gallery: Gallery, number: number) => read<Chunk>(gallery, keys.chunk(SLUG, number));

/** Keys whose bytes differ between two galleries, without the numbers of equal ones. */
async function changed(before: Gallery, now: Gallery): Promise<string[]> {
  const known = new Map((await objectsOf(before)).map(({ key, sha256: hash }) => [key, hash]));
  return (await objectsOf(now))
    .filter(({ key, sha256: hash }) => known.get(key) !== hash)
    .map(({ key }) => key);
}

describe("the objects of a gallery", () => {
  it("come in an order in which nothing refers to what is not there yet", async () => {
    const waves = await wavesOf(galleryOf(100));
    assert.deepEqual(
      waves.map((wave) => wave.map(({ key }) => key.replace(/\.\w{16}\./, ".#.").replace(`g/${SLUG}`, "g"))),
      [
        ["assets/gallery.#.js", "assets/photoswipe.#.js", "assets/lightbox.#.js", "assets/photoswipe.#.css", "g/m/0.json", "g/m/1.json", "g/n/1", "g/n/2"],
        ["g/i.json"],
        ["g/v"],
      ],
    ); // biome-ignore format: a list of keys
  });

  it("are made one after the other, and an index never before the chunks it names", async () => {
    const [first, index] = await galleries.objects(galleryOf(100), sign);
    assert.throws(() => [...(index ?? [])], /after its chunks/);
    for (const { key } of first ?? []) if (key.endsWith("/m/0.json")) break;
    const [again, late] = await galleries.objects(galleryOf(100), sign);
    for (const { key } of again ?? []) assert.ok(key);
    assert.equal([...(late ?? [])].length, 1);
  });

  it("carry their true size and checksum, a type of ours, and how long to keep them", async () => {
    for (const object of await objectsOf(galleryOf(61))) {
      assert.ok("bytes" in object.body);
      assert.equal(object.sizeBytes, object.body.bytes.length);
      assert.equal(object.sha256, sha256(object.body.bytes));
      assert.equal(object.contentEncoding, "gzip");
      const isAsset = object.key.startsWith("assets/");
      assert.equal(object.cacheControl, isAsset ? "private, max-age=604800, immutable" : "no-cache");
      assert.match(object.contentType, /^(text\/(html|javascript|css); charset=utf-8|application\/json)$/);
    }
  });

  it("are the same bytes for the same gallery, also from another process", async () => {
    const again = openGalleries({ templates });
    const hashes = (waves: readonly (readonly NewObject[])[]) => waves.flat().map(({ sha256: hash }) => hash);
    assert.deepEqual(hashes(await wavesOf(galleryOf(300))), hashes(await wavesOf(galleryOf(300), again)));
  });

  it("stay small at 5,000 photos", async () => {
    const objects = await objectsOf(galleryOf(5000, { state: "uploading" }));
    const sizes = (pattern: RegExp) =>
      objects.filter(({ key }) => pattern.test(key)).map(({ sizeBytes }) => sizeBytes);
    const largest = (pattern: RegExp) => Math.max(...sizes(pattern));
    assert.ok(largest(/^g\/[^/]+$/) <= 10_000, `shell: ${largest(/^g\/[^/]+$/)}`);
    assert.ok(largest(/\/m\//) <= 12_000, `chunk: ${largest(/\/m\//)}`);
    assert.ok(largest(/i\.json$/) <= 8_000, `index: ${largest(/i\.json$/)}`);
    const shell = objects.find(({ key }) => key === keys.shell(SLUG));
    assert.ok(shell);
    const style = /<style>([\s\S]*)<\/style>/.exec(textOf(shell))?.[1] ?? "";
    const own = largest(/assets\/gallery/) + gzipSync(style, { level: 9 }).length;
    assert.ok(own <= 8_000, `script and style: ${own}`);
  });

  it("change little when a photo is appended to 5,000", async () => {
    const before = galleryOf(4990, { state: "uploading", expected: 6000 });
    const now = galleryOf(4991, { state: "uploading", expected: 6000 });
    assert.deepEqual(await changed(before, now), [
      keys.chunk(SLUG, 62),
      keys.page(SLUG, 84),
      keys.index(SLUG),
    ]);
    assert.deepEqual(await changed(now, now), []);
  });

  it("name in the index the version of each chunk, which changes with its content only", async () => {
    const gallery = galleryOf(161);
    const index = await indexOf(gallery);
    const versions = await Promise.all([0, 1, 2].map(async (n) => (await chunkOf(gallery, n)).version));
    assert.deepEqual(
      index.chunks.map(([version]) => version),
      versions,
    );
    const longer = await indexOf(galleryOf(162));
    assert.deepEqual(longer.chunks.slice(0, 2), index.chunks.slice(0, 2));
    assert.notEqual(longer.chunks[2]?.[0], index.chunks[2]?.[0]);
  });

  it("tell where every photo stands before any chunk is loaded", async () => {
    const items = [photo(0, { renditions: [] }), photo(1), photo(2), photo(150), photo(151)];
    const unknown = photo(9, { capture: { ...photo(9).capture, takenMs: null } });
    const nextDay = photo(3, { capture: { ...photo(3).capture, takenMs: Date.UTC(2026, 10, 15, 9, 30) } });
    const index = await indexOf(galleryOf(0, { items: [...items, nextDay, unknown] }));
    assert.deepEqual([...Buffer.from(index.aspects, "base64")], [0, 96, 43, 96, 96, 96, 43]);
    assert.deepEqual(index.groups, [
      [0, "Saturday 14 November 2026", "10:00"],
      [3, "", "13:17"],
      [5, "Sunday 15 November 2026", "09:30"],
      [6, "Without a date", ""],
    ]);
    assert.equal(index.hero, 1);
    assert.equal(index.count, 7);
    assert.equal(index.until, "Available until Sat 26 Sep");
  });

  it("publish nothing of a file that has no picture but its name, kind, time and note", async () => {
    const raw = photo(4, { kind: "raw", name: "DSC_5.NEF", renditions: [], note: "It ends too early." });
    const { entries } = await chunkOf(galleryOf(0, { items: [raw] }), 0);
    assert.deepEqual(entries[0]?.slice(0, 4), ["", "", "", ""]);
    assert.deepEqual(entries[0]?.slice(-2), ["RAW photo", "It ends too early."]);
    for (const object of await objectsOf(galleryOf(0, { items: [raw] })))
      assert.ok(!textOf(object).includes(raw.hash), object.key);
  });

  it("hold the same photos in the same order in chunks, pages and shell", async () => {
    const gallery = galleryOf(200);
    const expected = gallery.items.map(({ hash }) => hash);
    const chunks = await Promise.all([0, 1, 2].map((number) => chunkOf(gallery, number)));
    assert.deepEqual(
      chunks.flatMap(({ entries }) => entries.map(([hash]) => hash)),
      expected,
    );
    const objects = await objectsOf(gallery);
    const linked = (key: string) => {
      const object = objects.find((one) => one.key === key);
      assert.ok(object);
      return [...textOf(object).matchAll(/href="[^"]*\/p\/(\w+)-share\.jpg/g)].map(([, hash]) => hash);
    };
    assert.deepEqual(
      [1, 2, 3, 4].flatMap((number) => linked(keys.page(SLUG, number))),
      expected,
    );
    assert.deepEqual(linked(keys.shell(SLUG)), expected.slice(0, 24));
  });

  it("allow the pages nothing but their own parts", async () => {
    const shell = (await objectsOf(galleryOf(3))).find(({ key }) => key === keys.shell(SLUG));
    assert.ok(shell);
    const html = textOf(shell);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
    assert.match(policy, /^default-src &#39;none&#39;; /);
    assert.doesNotMatch(policy, /unsafe|\*|https:\/\/[^/;]*\/(?=[ ;]|$)/);
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? "";
    const hash = Buffer.from(sha256(style), "hex").toString("base64");
    assert.ok(policy.includes(`style-src &#39;sha256-${hash}&#39; https://`), policy);
    assert.doesNotMatch(html, / style=| on\w+=|<script>/);
    for (const meta of ['name="referrer" content="no-referrer"', 'name="robots" content="noindex, nofollow"'])
      assert.ok(html.includes(meta), meta);
  });

  it("say in the head what a chat shows of the link", async () => {
    const [shell] = (await wavesOf(galleryOf(12))).at(-1) ?? [];
    assert.ok(shell);
    const html = textOf(shell);
    assert.match(html, /<html lang="en">/);
    assert.match(html, /<title>Anna &amp; Ben<\/title>/);
    assert.match(html, /<meta property="og:title" content="Anna &amp; Ben">/);
    assert.match(html, /<meta property="og:description" content="12 photos · Available until Sat 26 Sep">/);
  });

  it("say in the head which picture a chat shows, by a link that works on its own", async () => {
    const preview = keys.preview(SLUG, photo(0).hash);
    const shellOf = async (gallery: Gallery) =>
      textOf((await objectsOf(gallery)).find(({ key }) => key === keys.shell(SLUG)) ?? assert.fail());
    const [, image = ""] =
      /<meta property="og:image" content="([^"]*)">/.exec(await shellOf(galleryOf(12, { preview }))) ?? [];
    const url = new URL(image.replaceAll("&amp;", "&"));
    assert.deepEqual([url.protocol, url.pathname], ["https:", `/box/${preview}`]);
    assert.equal(url.searchParams.get("X-Amz-Signature"), sha256(`signature of ${preview}`));
    assert.doesNotMatch(await shellOf(galleryOf(12)), /og:image/);
  });

  it("are complete for a gallery that is still empty", async () => {
    const empty = galleryOf(0, { state: "uploading", expected: 12, availableUntilMs: null });
    const objects = await objectsOf(empty);
    assert.equal(objects.filter(({ key }) => key.startsWith("g/")).length, 2);
    assert.deepEqual((await indexOf(empty)).groups, []);
    assert.equal((await indexOf(empty)).until, "");
  });
});
