import type { NewObject, SignedLinks } from "../domain/object.ts";

/** An object as it was when its tag was given; the tag changes with every other content. */
export interface TaggedObject {
  readonly bytes: Uint8Array;
  readonly tag: string;
}

/**
 * Where galleries go. Keys are below the store's own prefix (`checkKey` says which there are). A *prefix* names the object
 * of that key and everything below it as in a path: `g/abc` is `g/abc` and `g/abc/…`, never `g/abcd`.
 *
 * Every method throws `Failure` with a code `remote-*` or `disk-*` for what is expected to go wrong, and the signal's
 * reason once that is aborted.
 */
export interface ObjectStore {
  /** Returns if objects can be put now; else says in a sentence what is wrong: unreachable, refused, no bucket. Stores nothing. */
  check(signal: AbortSignal): Promise<void>;
  /**
   * On return the object is stored and the store was asked again and named the same size, and the same checksum where it
   * gives one. A body that is not as `sizeBytes` and `sha256` say is `remote-corrupt`, and what was under the key stays. A put that is
   * broken off leaves what was there before or the whole new object, never a part. What it has sent of a large one may stay
   * out of sight: the next put of the same goes on from there, and `sweep` takes it back.
   */
  put(object: NewObject, signal: AbortSignal): Promise<void>;
  /** `sha256` is what was announced when it was put; `null` where that is not known. */
  has(
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string | null } | null>;
  /** The whole object in memory, as it was put: meant for small ones. */
  get(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  /** As `get`, with what `replace` asks for. */
  getTagged(key: string, signal: AbortSignal): Promise<TaggedObject | null>;
  /**
   * Puts the object, meant for small ones, only if what is under its key is still what `tag` came with; `null`: only if nothing
   * is. Of many that try at once one succeeds, also from several machines. Resolves with whether it was put; after a broken
   * connection that can be `false` although it was, so whoever loses reads again. Throws `remote-unconditional` where the store
   * says that it cannot.
   */
  replace(object: NewObject, tag: string | null, signal: AbortSignal): Promise<boolean>;
  /** Keys under a prefix, `""` for all; in no particular order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<string>;
  /** Removes what is under a prefix and returns how many objects that were; running it again removes what came meanwhile. */
  deletePrefix(prefix: string, signal: AbortSignal): Promise<number>;
  /**
   * Takes back what puts that never came to their end have left, of any station with this prefix, and returns how many those
   * were. Nothing that a put has added to within the last days: another station may be at it, or wait for its network.
   */
  sweep(signal: AbortSignal): Promise<number>;
  /** Whether objects are on other disks than this machine's own: only then is an original in here a second copy. */
  readonly isOffsite: boolean;
  /** Where objects are, without any signature: absolute, ends with `/`. */
  readonly base: string;
  /**
   * Links that need no account and are the same all day. A link has at least half its life left when it is given. Throws an
   * ordinary error for a key that is not for guests.
   */
  readonly sign: (keys: readonly string[]) => Promise<SignedLinks>;
  /** Ends idle connections. Nothing may be called afterwards. */
  close(): Promise<void>;
}
