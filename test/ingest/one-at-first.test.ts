import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CardFile, Volume } from "../../src/domain/card.ts";
import { Failure } from "../../src/domain/failure.ts";
import { oneAtFirst } from "../../src/ingest/one-at-first.ts";
import type { KeptFile, Ports } from "../../src/ingest/ports.ts";
import type { Told } from "../../src/ingest/report.ts";

const never = new AbortController().signal;
const volume = {} as Volume;
const fileOf = (name: string): CardFile => ({ path: Buffer.from(name), sizeBytes: 1, modifiedMs: 1 });
const published = { kind: "published" } as Told;
/** Longer than any test waits. */
const LATE_MS = 60_000;

/** Copies and renders until it is told to be done with one; says which are at work. */
function house(limitMs: number) {
  const [working, told]: [string[], Told[]] = [[], []];
  let prepared = 0;
  const ends = new Map<string, () => void>();
  const work = async (name: string): Promise<never> => {
    working.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    working.splice(working.indexOf(name), 1);
    return undefined as never;
  };
  const given = {
    library: { copy: (_: Volume, { path }: CardFile) => work(Buffer.from(path).toString()) },
    pictures: { derive: ({ name }: KeptFile) => work(name), prepare: () => prepared++ },
  } as unknown as Ports;
  const { ports, report } = oneAtFirst(given, (one) => told.push(one), limitMs);
  return {
    working,
    told,
    prepared: () => prepared,
    report,
    copy: (name: string, signal = never) => ports.library.copy(volume, fileOf(name), signal),
    derive: (name: string) => ports.pictures.derive({ name } as KeptFile, never),
    async end(name: string) {
      ends.get(name)?.();
      await delay(1);
    },
  };
}

describe("until the first picture is seen", () => {
  it("one file is copied and one picture rendered at a time, and all at once afterwards", async () => {
    const { working, told, report, copy, derive, end } = house(LATE_MS);
    for (const name of ["a.jpg", "b.jpg", "c.jpg"]) void copy(name);
    for (const name of ["1", "2"]) void derive(name);
    await delay(1);
    assert.deepEqual(working, ["a.jpg", "1"]);
    await end("a.jpg");
    assert.deepEqual(working, ["1", "b.jpg"]);
    report(published);
    assert.deepEqual(told, [published]);
    await delay(1);
    assert.deepEqual(working, ["1", "b.jpg", "c.jpg", "2"]);
    void copy("d.jpg");
    assert.equal(working.at(-1), "d.jpg");
    for (const name of ["1", "2", "b.jpg", "c.jpg", "d.jpg"]) await end(name);
  });

  it("nothing waits for it longer than the limit, nor where nothing is to be seen", async () => {
    const { working, prepared, copy, end } = house(50);
    for (const name of ["a.xmp", "b.xmp"]) void copy(name);
    assert.equal(prepared(), 0);
    for (const name of ["a.jpg", "c.xmp", "b.jpg"]) void copy(name);
    assert.equal(prepared(), 1);
    await delay(1);
    assert.deepEqual(working, ["a.xmp", "b.xmp", "a.jpg"]);
    await delay(100);
    assert.deepEqual(working.toSorted(), ["a.jpg", "a.xmp", "b.jpg", "b.xmp", "c.xmp"]);
    const names = working.toSorted();
    for (const name of names) await end(name);
  });

  it("pictures that were copied by an earlier run do not wait for it longer, either", async () => {
    const { working, derive, end } = house(50);
    for (const name of ["1", "2", "3"]) void derive(name);
    await delay(1);
    assert.deepEqual(working, ["1"]);
    await delay(100);
    assert.deepEqual(working, ["1", "2", "3"]);
    for (const name of ["1", "2", "3"]) await end(name);
  });

  it("a file that fails gives the next one its turn, and what is given up is not begun", async () => {
    const abort = new AbortController();
    const failing = new Failure("file-unreadable", "bad");
    let begun = 0;
    const given = {
      library: {
        copy: async () => {
          begun++;
          await delay(5);
          throw failing;
        },
      },
      pictures: { prepare() {} },
    } as unknown as Ports;
    const { ports } = oneAtFirst(given, () => {}, LATE_MS);
    const copies = ["a.jpg", "b.jpg", "c.jpg"].map((name) =>
      ports.library.copy(volume, fileOf(name), abort.signal),
    );
    const outcomes = Promise.allSettled(copies);
    await assert.rejects(copies[0] ?? Promise.resolve(), failing);
    const stop = new Failure("interrupted", "stop");
    abort.abort(stop);
    const reasons = (await outcomes).map((outcome) => outcome.status === "rejected" && outcome.reason);
    assert.deepEqual(reasons, [failing, failing, stop]);
    assert.equal(begun, 2);
  });
});
