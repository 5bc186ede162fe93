import { createHash } from "node:crypto";
import { constants, gzipSync } from "node:zlib";
import type { NewObject } from "../domain/object.ts";

/**
 * A text as an object, gzip inside. The same text always gives the same bytes: zlib's header carries no time and no name,
 * so what did not change is not put again.
 */
export function pack(key: string, text: string, contentType: string, cacheControl: string): NewObject {
  const bytes = gzipSync(text, { level: constants.Z_BEST_COMPRESSION, memLevel: constants.Z_MAX_MEMLEVEL });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    key,
    body: { bytes },
    sizeBytes: bytes.length,
    sha256,
    contentType,
    contentEncoding: "gzip",
    cacheControl,
  };
}
