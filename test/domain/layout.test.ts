import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isForGuests, isPage, keys, slugIn } from "../../src/domain/layout.ts";
import { isKey } from "../../src/remote/object-key.ts";

const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const slug = fc.stringMatching(/^[\w-]{22}$/);
const station = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
/** The settings take no name that is blank. */
const gallery = fc
  .oneof(
    fc.stringMatching(/^[ -~]{1,80}$/),
    fc.stringMatching(/^[^\p{Cc}]{1,80}$/u),
    fc.constantFrom(
      ".trial",
      "parts",
      "v",
      ".",
      "..",
      "%2",
      "?".repeat(80),
      "婚".repeat(80),
      "🎉".repeat(80),
    ),
  )
  .filter((named) => /\S/.test(named));
const name = fc.stringMatching(/^[\w-]{1,8}(\.\w{1,8})?$/);
const number = fc.nat({ max: 200 });

/** Keys of every kind that there is; few slugs and names, so that many are below the same folder. */
const objects = fc
  .record({ slug, hash, station, gallery, name, number, other: number })
  .map((some) => ({ ...some, author: `${some.station}-${some.number % 2}` }))
  .map(({ slug, hash, station, gallery, name, number, other, author }) => {
    const pages = [keys.shell(slug), keys.index(slug)];
    for (const by of [author, ""])
      for (const at of [number, other]) pages.push(keys.chunk(slug, at, by), keys.page(slug, at, by));
    const pictures = [
      keys.preview(slug, hash),
      keys.rendition(slug, hash, "thumb"),
      keys.rendition(slug, hash, "share"),
      keys.zip(slug, hash.slice(0, 32), `${name}.zip`),
    ];
    const rest = [
      keys.original(hash, name),
      keys.galleryNamed(gallery),
      keys.trial(station),
      keys.partHead(slug, station),
      keys.partChunk(slug, station, hash.slice(0, 16)),
    ];
    return { slug, pages: [...pages, keys.asset(name, hash, "js")], pictures, rest };
  });

describe("keys in the store", () => {
  it("are never the folder of another: some stores refuse that, or hide what is below", () => {
    fc.assert(
      fc.property(fc.array(objects, { minLength: 1, maxLength: 4 }), (some) => {
        const all = some.flatMap(({ pages, pictures, rest }) => [...pages, ...pictures, ...rest]);
        // Two galleries may well be called alike, and one be called what a station is.
        const distinct = new Set(all);
        for (const key of distinct) assert.ok(isKey(key), `${key} is a key for every store`);
        for (const key of distinct)
          for (let at = key.indexOf("/"); at !== -1; at = key.indexOf("/", at + 1))
            assert.ok(!distinct.has(key.slice(0, at)), `${key.slice(0, at)} and ${key} are both objects`);
      }),
    );
  });

  it("of a gallery are all below its folder, and only its pages open without a signature", () => {
    fc.assert(
      fc.property(objects, ({ slug, pages, pictures, rest }) => {
        for (const key of [...pages, ...pictures]) assert.ok(isForGuests(key), key);
        for (const key of [...pages, ...pictures].filter((one) => !one.startsWith("assets/"))) {
          assert.ok(key.startsWith(`${keys.gallery(slug)}/`), key);
          assert.equal(slugIn(key), slug);
        }
        for (const key of pages) assert.ok(isPage(key), key);
        for (const key of [...pictures, ...rest, keys.gallery(slug)]) assert.ok(!isPage(key), key);
        for (const key of rest) {
          assert.ok(!isForGuests(key), key);
          assert.equal(slugIn(key), key.startsWith(`${keys.parts(slug)}/`) ? slug : null);
        }
      }),
    );
  });
});
