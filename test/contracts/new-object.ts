import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Failure } from "../../src/domain/failure.ts";
import type { NewObject } from "../../src/domain/object.ts";
import { CACHE_FOREVER } from "../../src/domain/object.ts";

/** An object as the gallery would put it; any part of it can be told otherwise. */
export function newObject(key: string, bytes: Buffer, told: Partial<NewObject> = {}): NewObject {
  return {
    key,
    body: { bytes },
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
    contentType: "image/jpeg",
    cacheControl: CACHE_FOREVER,
    ...told,
  };
}

/** For `assert.rejects`: a failure of this code whose message is a sentence. */
export function failure(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Failure, `not a failure: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, /\.$/);
    return true;
  };
}

/** Lower-case hex, as `NewObject` wants it. */
export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
