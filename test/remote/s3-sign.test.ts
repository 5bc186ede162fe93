import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linkTo } from "../../src/domain/object.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";

describe("links of the S3 store", () => {
  const [accessKeyId, secretAccessKey] = ["AKIDEXAMPLE", "wJalrXUtnFEMI"];
  const amazon: S3Options = {
    bucket: "our-photos",
    prefix: "",
    region: "eu-central-1",
    forcePathStyle: false,
    linkSeconds: 604_800,
    credentials: { accessKeyId, secretAccessKey },
  };
  const opened = async (overrides: Partial<S3Options>) => {
    const store = await openS3Store({ ...amazon, now: () => Date.UTC(2026, 10, 20, 15), ...overrides });
    return store.sign(["g/abc"]);
  };

  it("lead to the bucket's own host at Amazon, with nothing in them but the signature's parts", async () => {
    const links = await opened({});
    assert.equal(links.base, "https://our-photos.s3.eu-central-1.amazonaws.com/");
    const url = new URL(linkTo(links, "g/abc", 0));
    assert.equal(url.pathname, "/g/abc");
    assert.deepEqual([...url.searchParams.keys()].toSorted(), [
      "X-Amz-Algorithm",
      "X-Amz-Content-Sha256",
      "X-Amz-Credential",
      "X-Amz-Date",
      "X-Amz-Expires",
      "X-Amz-Signature",
      "X-Amz-SignedHeaders",
    ]);
    assert.equal(url.searchParams.get("X-Amz-Date"), "20261120T000000Z");
    assert.match(url.searchParams.get("X-Amz-Signature") ?? "", /^[0-9a-f]{64}$/);
  });

  it("put the bucket into the path where its name or the settings ask for it", async () => {
    assert.equal(
      (await opened({ forcePathStyle: true, prefix: "box" })).base,
      "https://s3.eu-central-1.amazonaws.com/our-photos/box/",
    );
    assert.equal(
      (await opened({ bucket: "our.photos" })).base,
      "https://s3.eu-central-1.amazonaws.com/our.photos/",
    );
    assert.equal(
      (await opened({ endpoint: "https://s3.example.org:9000" })).base,
      "https://our-photos.s3.example.org:9000/",
    );
  });

  it("carry the token of temporary keys", async () => {
    const links = await opened({ credentials: { accessKeyId, secretAccessKey, sessionToken: "to/ken=" } });
    assert.ok(links.query.includes("X-Amz-Security-Token=to%2Fken%3D"));
  });

  it("cannot live longer than a signature can", async () => {
    await assert.rejects(opened({ linkSeconds: 604_801 }), /links cannot live/);
  });
});
