import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FILE_STATES, mayBecome } from "../../src/domain/file-state.ts";

describe("the states of a file", () => {
  it("lead from a card to a gallery, one step at a time", () => {
    const story = ["found", "stored", "rendered", "uploaded", "published"] as const;
    for (const [index, state] of story.entries())
      for (const later of story.slice(index + 1))
        assert.equal(mayBecome(state, later), story[index + 1] === later, `${state} → ${later}`);
  });

  it("never lose a kept file: none that is stored can become found, duplicate or failed", () => {
    for (const kept of ["stored", "rendered", "uploaded", "published"] as const)
      for (const lost of ["found", "duplicate", "failed"] as const)
        assert.equal(mayBecome(kept, lost), false, `${kept} → ${lost}`);
  });

  it("give a failed file another try, and only that", () => {
    assert.deepEqual(
      FILE_STATES.filter((state) => mayBecome("failed", state)),
      ["found"],
    );
  });
});
