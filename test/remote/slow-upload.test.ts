import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { newObject, sha256 } from "../contracts/new-object.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";

const MEBIBYTE = 1024 * 1024;
/** Six parts, of which two are on their way at once; with what begins and completes them that is five waits, one after the other. */
const BYTES = 48 * MEBIBYTE;
const EACH_MS = 3000;
/** For one request: a busy machine may take for a part four times as long as it has to. */
const PATIENCE_MS = 12_000;

describe("an uplink that is slow", () => {
  it("may take far longer for a film than any one request may take: there is no deadline for the whole", async () => {
    const server = await startFlakyS3("photos");
    const uplink = await startFaultProxy(server.endpoint);
    uplink.holdUp(() => delay(EACH_MS));
    const store = await openS3Store({
      bucket: "photos",
      prefix: "",
      region: "us-east-1",
      endpoint: uplink.endpoint,
      forcePathStyle: true,
      linkSeconds: 60,
      credentials: { accessKeyId: "key", secretAccessKey: "secret", sessionToken: null },
      timeouts: { idleMs: PATIENCE_MS, answerMs: PATIENCE_MS, bodyMs: PATIENCE_MS },
    });
    try {
      const film = randomBytes(BYTES);
      const begunMs = performance.now();
      await store.put(newObject("originals/film.mp4", film), new AbortController().signal);
      assert.ok(performance.now() - begunMs > PATIENCE_MS, "it was too quick to tell");
      assert.equal(sha256(server.objects.get("originals/film.mp4")?.bytes ?? Buffer.alloc(0)), sha256(film));
    } finally {
      await store.close();
      await uplink.close();
      await server.close();
    }
  });
});
