import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadSettings } from "../../src/config/load.ts";

const load = (flags: Readonly<Record<string, string>>) =>
  loadSettings({ flags, environment: {}, cwd: "/nowhere", homeDir: "/nowhere" });
const bucket = { S3_BUCKET: "photos" };

describe("how galleries are shared", () => {
  it("follows from whether there is a bucket, unless it is said", () => {
    assert.deepEqual([load({}).share.mode, load({}).store.bucket], ["lan", null]);
    assert.equal(load(bucket).share.mode, "presigned");
    const { share, store, warnings } = load({ ...bucket, SHARE: "lan" });
    assert.deepEqual([share.mode, store.bucket], ["lan", null]);
    assert.match(warnings.join(), /galleries stay on this machine/);
  });

  it("is refused where it cannot work, with what to set instead", () => {
    for (const SHARE of ["presigned", "capability", "cdn"])
      assert.throws(() => load({ SHARE }), /set GHOSTROLL_S3_BUCKET, or GHOSTROLL_SHARE=lan/);
    assert.throws(() => load({ ...bucket, SHARE: "cdn" }), /set GHOSTROLL_SHARE_URL to its address/);
    assert.throws(() => load({ ...bucket, SHARE: "public" }), /presigned, capability, cdn or lan/);
    load({ ...bucket, SHARE: "cdn", SHARE_URL: "https://photos.example.org" });
    load({ ...bucket, SHARE: "capability", SHARE_BUCKET: "pages" });
  });

  it("takes an address for guests with R2, whose own opens nothing without a signature", () => {
    const R2 = { ...bucket, S3_ENDPOINT: "https://0a1b.eu.r2.cloudflarestorage.com", SHARE: "capability" };
    assert.throws(
      () => load({ ...R2, SHARE_BUCKET: "pages" }),
      /GHOSTROLL_SHARE_URL .* https:\/\/pub-….r2.dev\/ghostroll/,
    );
    load({ ...R2, SHARE: "presigned" });
    load({ ...R2, SHARE_BUCKET: "pages", SHARE_URL: "https://pub-1.r2.dev/ghostroll" });
  });

  it("says of settings that have no effect", () => {
    const { warnings } = load({ ...bucket, SHARE_BUCKET: "pages", SHARE_URL: "https://photos.example.org" });
    assert.match(warnings.join(), /SHARE_BUCKET has no effect.*SHARE_URL has no effect/);
  });

  it("from this machine sends no originals anywhere, and says so", () => {
    const originals = { UPLOAD_ORIGINALS: "all", UPLOAD_MBPS: "8" };
    for (const flags of [originals, { ...bucket, ...originals, SHARE: "lan" }]) {
      const { store, warnings } = load(flags);
      assert.equal(store.originals, "none");
      assert.match(warnings.join(), /UPLOAD_ORIGINALS has no effect.*UPLOAD_MBPS has no effect/);
    }
  });
});
