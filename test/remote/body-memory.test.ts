import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openBodyMemory } from "../../src/remote/body-memory.ts";

const MEBIBYTE = 1024 * 1024;

describe("the memory of bodies", () => {
  it("is used again, by bodies of about the same size", () => {
    const memory = openBodyMemory();
    const first = memory.take(500_000);
    memory.giveBack(first.subarray(0, 400_000));
    assert.equal(memory.take(300_000).buffer, first.buffer);
    assert.notEqual(memory.take(5 * MEBIBYTE).buffer, first.buffer);
  });

  it("is large enough, and nobody else's until it is given back", () => {
    const memory = openBodyMemory();
    const taken = [1, 65_536, 65_537, 65_537, 8 * MEBIBYTE].map((bytes) => {
      const piece = memory.take(bytes);
      assert.ok(piece.length >= bytes);
      return piece.buffer;
    });
    assert.equal(new Set(taken).size, taken.length);
  });

  it("takes nothing that it did not give, and nothing twice", () => {
    const memory = openBodyMemory();
    const foreign = Buffer.alloc(65_536);
    memory.giveBack(foreign);
    const own = memory.take(65_536);
    assert.notEqual(own.buffer, foreign.buffer);
    memory.giveBack(own);
    memory.giveBack(own);
    assert.notEqual(memory.take(65_536).buffer, memory.take(65_536).buffer);
  });

  it("keeps 32 MiB and no more, of what was used last", () => {
    const memory = openBodyMemory();
    const taken = Array.from({ length: 6 }, () => memory.take(8 * MEBIBYTE));
    const photo = memory.take(500_000);
    for (const piece of [...taken, photo]) memory.giveBack(piece);
    assert.equal(memory.take(500_000).buffer, photo.buffer);
    const known = new Set(taken.map(({ buffer }) => buffer));
    const again = Array.from({ length: 6 }, () => memory.take(8 * MEBIBYTE));
    assert.equal(again.filter(({ buffer }) => known.has(buffer)).length, 3);
  });

  it("keeps nothing once there was no body for a while", async () => {
    const memory = openBodyMemory(20);
    const { buffer } = memory.take(65_536);
    memory.giveBack(Buffer.from(buffer));
    await delay(100);
    assert.notEqual(memory.take(65_536).buffer, buffer);
  });
});
