import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Cuts } from "../../src/app/intake.ts";
import { openIntake } from "../../src/app/intake.ts";
import type { Next } from "../../src/app/retry.ts";
import type { CardEvent } from "../../src/card/watcher.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { Failure } from "../../src/domain/failure.ts";

const card = (label: string, reader: string, id = label): CardEvent => ({
  kind: "inserted",
  reader,
  isWritable: false,
  volume: { id: id as VolumeId, root: `/media/${label}`, label, medium: label },
});

/** An intake whose cards are done when the test says so. */
function intake(places: number) {
  const atWork = new Map<string, { readonly cuts: Cuts; done(next?: Next): void }>();
  const it = openIntake({
    places,
    hold: async () => {},
    take: async ({ volume }, cuts) =>
      new Promise<Next>((resolve) => {
        const done = (next: Next = "never") => {
          atWork.delete(volume.label);
          resolve(next);
        };
        atWork.set(volume.label, { cuts, done });
      }),
  });
  const settle = async () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...it,
    async now() {
      await settle();
      return [...atWork.keys()];
    },
    cuts: (label: string) => atWork.get(label)?.cuts,
    done: (label: string, next?: Next) => atWork.get(label)?.done(next),
  };
}

describe("the intake of cards", () => {
  it("reads cards of different readers side by side, as many as it may, the others in the order they came", async () => {
    const { inserted, now, done } = intake(2);
    for (const label of ["A", "B", "C", "D"]) inserted(card(label, label));
    assert.deepEqual(await now(), ["A", "B"]);
    done("B");
    assert.deepEqual(await now(), ["A", "C"]);
    done("A");
    assert.deepEqual(await now(), ["C", "D"]);
  });

  it("reads one card after the other from one reader, and of two with one UUID", async () => {
    const { inserted, now, done } = intake(9);
    inserted(card("A", "sda"));
    inserted(card("A2", "sda"));
    inserted(card("TWIN", "sdb", "A"));
    inserted(card("B", "sdc"));
    assert.deepEqual(await now(), ["A", "B"]);
    done("A");
    assert.deepEqual(await now(), ["B", "A2", "TWIN"]);
  });

  it("tells a card's work that it was taken out, and those at work that another one has to wait", async () => {
    const { inserted, removed, now, cuts, done, close } = intake(2);
    inserted(card("A", "sda"));
    inserted(card("B", "sdb"));
    await now();
    const [a, b] = [cuts("A"), cuts("B")];
    assert.deepEqual([a?.another.aborted, b?.another.aborted], [false, false]);
    inserted(card("C", "sda"));
    assert.deepEqual([a?.another.aborted, b?.another.aborted], [true, true]);
    removed(card("A", "sda"));
    assert.deepEqual([a?.gone.aborted, b?.gone.aborted], [true, false]);
    assert.equal(Failure.is(a?.gone.reason) && a?.gone.reason.code, "card-removed");
    for (const label of ["A", "B"]) done(label);
    assert.deepEqual(await now(), ["C"]);
    assert.equal(cuts("C")?.another.aborted, false);
    done("C");
    await close();
  });

  it("takes a card in again while it is there, later each time, when what it failed for may pass", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    t.mock.method(Math, "random", () => 0);
    const { inserted, removed, now, done, close } = intake(2);
    inserted(card("A", "sda"));
    inserted(card("B", "sdb"));
    for (const ms of [5_000, 10_000]) {
      assert.ok((await now()).includes("A"));
      done("A", "later");
      await now();
      t.mock.timers.tick(ms - 1);
      assert.deepEqual(await now(), ["B"]);
      t.mock.timers.tick(1);
    }
    assert.deepEqual(await now(), ["B", "A"]);
    done("A", "later");
    await now();
    // Nor is one that was taken out, or what comes after the end.
    removed(card("A", "sda"));
    done("B", "later");
    await now();
    await close();
    t.mock.timers.tick(600_000);
    assert.deepEqual(await now(), []);
  });
});
