import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FailureCode } from "../../src/domain/failure.ts";
import { Failure } from "../../src/domain/failure.ts";
import { inTurn } from "../../src/ingest/in-turn.ts";

/** Which of these have had their turn, and the failure that is told. */
async function turns(...codes: readonly (FailureCode | null)[]) {
  let had = 0;
  const failure = await inTurn(codes, async (code) => {
    had++;
    if (code !== null) throw new Failure(code, "A test.");
  });
  return [had, failure?.code ?? null];
}

describe("galleries in turn", () => {
  it("go on after one that fails, and are told the first failure, or the first that may pass", async () => {
    assert.deepEqual(await turns(null, null), [2, null]);
    assert.deepEqual(await turns("gallery-gone", null, "remote-corrupt"), [3, "gallery-gone"]);
    assert.deepEqual(await turns("remote-unconditional", "remote-corrupt", null), [3, "remote-corrupt"]);
  });

  it("end at a failure of the store, which is then the one that is told", async () => {
    for (const code of [
      "remote-unreachable",
      "remote-refused",
      "remote-no-bucket",
      "remote-full",
      "clock-unset",
    ] as const)
      assert.deepEqual(await turns("remote-corrupt", code, null), [2, code]);
  });

  it("pass over one that its owner revokes meanwhile, and throw what stops the whole command", async () => {
    assert.deepEqual(await turns("gallery-revoked", null), [2, null]);
    await assert.rejects(turns("interrupted"), { code: "interrupted" });
  });
});
