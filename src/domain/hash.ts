import { Failure } from "./failure.ts";

/** Lower-case hex SHA-256 of all bytes: the identity of a file's content. */
export type ContentHash = string & { readonly __brand: "ContentHash" };

/** Takes 64 hex digits as a content hash; anything else is a bug or a damaged file, never a guess. */
export function contentHash(text: string): ContentHash {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new Failure("catalog-unusable", `not a SHA-256: ${text.slice(0, 80)}`);
  return text as ContentHash;
}
