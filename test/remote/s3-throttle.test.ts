import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { openMeter } from "../../src/flow/meter.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { newObject } from "../contracts/new-object.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startFlakyS3 } from "../support/flaky-s3.ts";

const never = new AbortController().signal;
const BYTES_PER_SECOND = 10_000_000;
const WINDOW_MS = 500;

describe("the limit on uploads", () => {
  it("holds for whole objects and parts of all stores together, and what is sent again counts again", async (t) => {
    const server = await startFlakyS3("photos");
    const proxy = await startFaultProxy(server.endpoint);
    const meter = openMeter(BYTES_PER_SECOND);
    const open = async () =>
      openS3Store({
        bucket: "photos",
        prefix: "box",
        region: "us-east-1",
        endpoint: proxy.endpoint,
        forcePathStyle: true,
        linkSeconds: 604_800,
        credentials: { accessKeyId: "key", secretAccessKey: "secret" },
        meter,
      });
    const stores = [await open(), await open()];
    t.after(async () => {
      for (const store of stores) await store.close();
      await proxy.close();
      await server.close();
    });
    proxy.misbehave({ odds: { busy: 0.1 } });
    const small = Array.from({ length: 12 }, (_, index) => newObject(`small/${index}`, randomBytes(500_000)));
    const large = newObject("large", randomBytes(20 * 1024 * 1024));
    const startMs = performance.now();
    await Promise.all([...small, large].map(async (object, index) => stores[index % 2]?.put(object, never)));
    const tookMs = performance.now() - startMs;

    const bytes = proxy.bodyBytes;
    assert.ok(bytes >= 26_900_000);
    const rate = bytes / (tookMs / 1000);
    t.diagnostic(
      `${(rate / 1e6).toFixed(1)} MB/s of ${BYTES_PER_SECOND / 1e6} over ${Math.round(tookMs)} ms`,
    );
    assert.ok(rate <= BYTES_PER_SECOND * 1.05, `${rate}`);
    // Not much slower either, on a machine that has other things to do.
    assert.ok(rate >= BYTES_PER_SECOND / 10, `${rate}`);
    for (const { atMs: fromMs } of proxy.arrivals) {
      const inWindow = proxy.arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + WINDOW_MS);
      const came = inWindow.reduce((sum, { bytes: each }) => sum + each, 0);
      // What lay in the buffers of sockets comes at once when a busy machine gets to read them.
      assert.ok(
        came <= BYTES_PER_SECOND * 1.5 * (WINDOW_MS / 1000) + 1_000_000,
        `${came} bytes in half a second`,
      );
    }
    for (const { key, body } of [...small, large])
      assert.ok("bytes" in body && server.objects.get(`box/${key}`)?.bytes.equals(body.bytes), key);
  });
});
