import type { ColdHash } from "./cold-hash.ts";
import { coldHash } from "./cold-hash.ts";

export interface HashRequest {
  /** Absolute path of a file in the library. */
  readonly path: string;
}

/** Hashes a file of the library past the page cache. Throws `disk-unwritable`, `copy-unproved`. */
export default function hashOriginal({ path }: HashRequest): ColdHash {
  return coldHash(path);
}
