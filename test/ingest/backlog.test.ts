import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { doorbell } from "../../src/flow/doorbell.ts";
import { backlog } from "../../src/ingest/backlog.ts";

const never = new AbortController().signal;
const idOf = (id: number) => id;

describe("a backlog", () => {
  it("gives each item once, also while the catalog still returns those in flight", async () => {
    const rows = Array.from({ length: 300 }, (_, id) => id);
    const settled = new Set<number>();
    const work = backlog(
      (limit) => rows.filter((id) => !settled.has(id)).slice(0, limit),
      idOf,
      doorbell(),
      () => true,
    );
    const given: number[] = [];
    for await (const id of work.items(never)) {
      given.push(id);
      if (given.length % 7 === 0) {
        const done = given.slice(-7);
        for (const one of done) settled.add(one);
        work.settle(done);
      }
    }
    assert.deepEqual(given, rows);
  });

  it("waits for the bell, and takes what came just before the end", async () => {
    const rows: number[] = [];
    const bell = doorbell();
    let isOver = false;
    const work = backlog(
      (limit) => rows.slice(0, limit),
      idOf,
      bell,
      () => isOver,
    );
    const given: number[] = [];
    const reading = (async () => {
      for await (const id of work.items(never)) given.push(id);
    })();
    await delay(10);
    rows.push(1);
    bell.ring();
    await delay(10);
    assert.deepEqual(given, [1]);
    rows.push(2);
    isOver = true;
    bell.ring();
    await reading;
    assert.deepEqual(given, [1, 2]);
  });

  it("ends with the signal's reason while it waits", async () => {
    const stop = new AbortController();
    const items = backlog(
      () => [],
      idOf,
      doorbell(),
      () => false,
    ).items(stop.signal);
    const next = items.next();
    stop.abort(new Error("stopped"));
    await assert.rejects(next, /stopped/);
  });
});
