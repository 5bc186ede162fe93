import assert from "node:assert/strict";
import type { Hash } from "node:crypto";
import crypto, { randomBytes } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { after, describe, it } from "node:test";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { newObject } from "../contracts/new-object.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";

const MEBIBYTE = 1024 * 1024;
/** Requests, answers and tags are hashed, too. */
const SMALL_BYTES = 100_000;

/** Bytes that went through SHA-256 since the start, in this process and by whomever. */
let hashedBytes = 0;
const { createHash } = crypto;
crypto.createHash = (algorithm, options) => {
  const hash = createHash(algorithm, options);
  const update = hash.update.bind(hash) as (data: Buffer | string) => Hash;
  const counting = (data: Buffer | string) => {
    if (algorithm === "sha256") hashedBytes += data.length;
    return update(data);
  };
  return Object.assign(hash, { update: counting });
};
syncBuiltinESMExports();
after(() => {
  crypto.createHash = createHash;
  syncBuiltinESMExports();
});

describe("what an upload takes of the processor", () => {
  it("is one SHA-256 of the body, and of parts one more: none for the signature", async () => {
    const server = await startFlakyS3("photos");
    const store = await openS3Store({
      bucket: "photos",
      prefix: "",
      region: "us-east-1",
      endpoint: server.endpoint,
      forcePathStyle: true,
      linkSeconds: 60,
      credentials: { accessKeyId: "key", secretAccessKey: "secret", sessionToken: null },
    });
    try {
      for (const [sizeBytes, passes] of [
        [MEBIBYTE, 1],
        [17 * MEBIBYTE, 2],
      ] as const) {
        const object = newObject("g/a", randomBytes(sizeBytes));
        // The server is in this process, and looks whether the signed hash is that of what it got.
        const serverPasses = 1;
        hashedBytes = 0;
        await store.put(object, new AbortController().signal);
        const more = hashedBytes - (passes + serverPasses) * sizeBytes;
        assert.ok(more >= 0 && more < SMALL_BYTES, `${more} bytes more`);
      }
    } finally {
      await store.close();
      await server.close();
    }
  });
});
