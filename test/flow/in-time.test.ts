import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openInTime } from "../../src/flow/in-time.ts";

describe("in time", () => {
  it("gives the answer, or the last one while there is none, and asks again only when it was answered", async () => {
    const ask = openInTime<number>(30);
    let questions = 0;
    let answer = (_value: number): void => {};
    const hangs = async () => {
      questions++;
      return new Promise<number>((resolve) => {
        answer = resolve;
      });
    };
    assert.equal(await ask("a", hangs), null);
    assert.equal(await ask("a", hangs), null);
    assert.equal(questions, 1);
    answer(7);
    assert.equal(await ask("b", async () => 1), 1);
    assert.equal(await ask("a", hangs), 7);
    assert.equal(questions, 2);
    assert.equal(await ask("b", async () => 2), 2);
  });

  it("passes on what was thrown", async () => {
    const ask = openInTime<number>(1_000);
    const fails = async () => Promise.reject(new Error("no"));
    await assert.rejects(ask("a", fails), /no/);
    assert.equal(await ask("a", async () => 3), 3);
  });
});
