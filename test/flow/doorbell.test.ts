import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { doorbell } from "../../src/flow/doorbell.ts";

const never = new AbortController().signal;

describe("a doorbell", () => {
  it("wakes who waits", async () => {
    const bell = doorbell();
    const waiting = bell.wait(never);
    bell.ring();
    await waiting;
  });

  it("keeps a ring that nobody heard, once", async () => {
    const bell = doorbell();
    bell.ring();
    bell.ring();
    await bell.wait(never);
    const second = await Promise.race([bell.wait(never).then(() => "rung"), delay(20, "still waiting")]);
    assert.equal(second, "still waiting");
  });

  it("lets go of who waits when the signal aborts, with its reason", async () => {
    const stop = new AbortController();
    const waiting = doorbell().wait(stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
  });
});
