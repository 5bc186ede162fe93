import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { translateDiskError } from "../../src/remote/disk-errors.ts";
import { failure } from "../contracts/new-object.ts";

describe("errors of the store's disk", () => {
  it("name a full disk, as Linux reports it", async () => {
    const full = writeFile("/dev/full", "x").catch((error: unknown) => {
      throw translateDiskError(error, "put a");
    });
    await assert.rejects(full, failure("disk-full"));
  });

  it("name a used-up quota, for which Node has no name", () => {
    const error = Object.assign(new Error("UNKNOWN: unknown error, write"), { errno: -122, code: "UNKNOWN" });
    assert.ok(failure("disk-full")(translateDiskError(error, "put a")));
  });

  it("leave a bug a bug", () => {
    const bug = new TypeError("x is not a function");
    assert.equal(translateDiskError(bug, "put a"), bug);
    const ours = Object.assign(new Error("EBADF"), { errno: -9, code: "EBADF" });
    assert.equal(translateDiskError(ours, "put a"), ours);
  });

  it("end nothing when they are rare ones, as of a network share", () => {
    const stale = Object.assign(new Error("ESTALE"), { errno: -116, code: "ESTALE" });
    assert.ok(failure("disk-unwritable")(translateDiskError(stale, "put a")));
  });
});
