import type { Capture } from "../domain/capture.ts";
import type { CardFile, Fingerprint, Volume, VolumeId } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import type { FileState } from "../domain/file-state.ts";
import type { ContentHash } from "../domain/hash.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import type { Media } from "../domain/media.ts";
import type { NewObject, SignedLinks } from "../domain/object.ts";
import type { Derived, PresetName, Rendition } from "../domain/rendition.ts";
import type { Session, SessionId, Sharing, Tally } from "../domain/session.ts";
import type { UnwrittenRecord } from "../domain/session-record.ts";
import type { Delivered } from "../domain/tiles.ts";
import type { CardsPort } from "./cards-port.ts";
import type { DoubtsPort } from "./doubts-port.ts";
import type { GalleriesPort } from "./galleries-port.ts";
import type { KnownCardPort } from "./known-port.ts";
import type { PublicationsPort } from "./publications-port.ts";
import type { SharedCatalogPort } from "./shared-port.ts";

/** What the story needs from the rooms. `app/house.ts` connects them; structural typing checks that they fit. */
export interface Ports {
  readonly cards: CardsPort;
  readonly library: LibraryPort;
  readonly catalog: CatalogPort;
  readonly pictures: PicturesPort;
  readonly store: StorePort;
  readonly galleries: GalleriesPort;
  /** `null` when there is to be no second copy. */
  readonly second: SecondCopies | null;
}

/** Content of the library. */
export interface Original {
  readonly hash: ContentHash;
  /** Below the library's root. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Copies of the originals on another disk, made beside everything else. */
export interface SecondCopies {
  /** There is something to copy. Begins, unless it is under way or has failed a moment ago. */
  ring(): void;
  /** Resolves once these contents, or all there are, are copied, or with why they are not. Rejects when the signal aborts. */
  copied(wanted: readonly ContentHash[] | "all", signal: AbortSignal): Promise<Failure | null>;
  /** Whether a copy that counts is on the disk now, seen there: proved, and on another disk than the library's. Throws `second-*`. */
  holds(original: Original): Promise<boolean>;
  /** Absolute path of a copy, to repair the library from; `null` when there is none. Throws `second-*`. */
  find(original: Original): Promise<string | null>;
  /** Ends what is under way; it goes on at the next start. */
  close(): Promise<void>;
}

/** A copy in the library's `incoming` folder: complete, on disk, read back cold and equal to what was read from the card. */
export interface ProvedCopy {
  readonly hash: ContentHash;
  /** SHA-256 of the first 64 KiB: tells a changed file of the same size and time without reading it whole. */
  readonly headHash: string;
  readonly sizeBytes: number;
  readonly media: Media;
  /** Absolute path of the copy. */
  readonly part: string;
}

interface LibraryPort {
  /** Removes copies that an earlier run did not finish; they are claimed by nobody. */
  sweep(): Promise<void>;
  /** Less what is set aside. */
  freeBytes(): Promise<number>;
  /** Promises space to one card, so that another one does not count on it. */
  setAside(bytes: number): { used(bytes: number): void; release(): void };
  /** Does the work while nobody else does theirs: from asking whether a content is kept to the row that says so. */
  alone<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Reads a card file once; on return the copy is proved. Throws `file-*`, `card-removed`, `disk-*`, `copy-unproved`. */
  copy(volume: Volume, file: CardFile, signal: AbortSignal): Promise<ProvedCopy>;
  /** Hash of the first 64 KiB of each card file, `null` where it could not be read as it was listed. Throws `card-removed`. */
  headHashes(
    volume: Volume,
    files: readonly CardFile[],
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]>;
  /** Reads a card file once more; `cached` when it could not be read past the memory of this machine. Throws `file-*`, `card-removed`. */
  readAgain(
    volume: Volume,
    file: CardFile,
    signal: AbortSignal,
  ): Promise<{ readonly hash: string; readonly proof: "cold" | "cached" }>;
  /**
   * Gives a copy its final name without ever overwriting: an equal file there is adopted, another one keeps its name and
   * this one gets a suffix. Returns the path below the library's root. Durable only after `sync`.
   */
  place(copy: ProvedCopy, path: string): Promise<string>;
  discard(copy: ProvedCopy): Promise<void>;
  /** Absolute path of an original. */
  fileOf(path: string): string;
  /** Whether the original is on disk with that size. */
  holds(path: string, sizeBytes: number): Promise<boolean>;
  /** Whether a copy in the library is read back from its disk, or only from memory, by its filesystem. */
  proof(): "cold" | "cached";
  /** The same for many at once: tens of thousands take a tenth of a second. */
  holdsEach(originals: readonly Pick<Original, "path" | "sizeBytes">[]): readonly boolean[];
  /** Makes the names of these originals survive a power cut. */
  sync(paths: readonly string[]): Promise<void>;
  /** Replaces the `SHA256SUMS` of a session's folder. */
  writeManifest(folder: string, lines: readonly ManifestLine[]): Promise<void>;
  /** Replaces the receipt in a session's folder. */
  writeReceipt(folder: string, json: string, text: string): Promise<void>;
  /** Replaces the `session.json` of a session's folder: what a lost catalog is rebuilt from. */
  writeRecord(folder: string, record: UnwrittenRecord): Promise<void>;
}

/** What is known of a path on a volume whose content is kept. */
export interface KnownFile extends Omit<Fingerprint, "path"> {
  readonly hash: ContentHash;
  readonly headHash: string;
  /** Where, below the library's root. */
  readonly originalPath: string;
}

/** A row of a session. */
export interface TrackedFile extends CardFile {
  readonly id: number;
  readonly state: FileState;
}

/** A kept file on its way to the bucket. */
export interface KeptFile {
  readonly id: number;
  readonly path: CardPath;
  readonly name: string;
  readonly hash: ContentHash;
  readonly media: Media;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Path below the library's root. */
  readonly originalPath: string;
}

/** The outcome of reading one card file, acknowledged by `settle`. */
export type Settled =
  | { readonly to: "stored"; readonly file: TrackedFile; readonly copy: ProvedCopy; readonly path: string }
  | { readonly to: "duplicate"; readonly file: TrackedFile; readonly copy: ProvedCopy }
  | {
      readonly to: "failed";
      readonly file: TrackedFile;
      readonly code: FailureCode;
      readonly reason: string;
    };

export interface Rendered {
  readonly file: KeptFile;
  readonly derived: Derived;
  readonly capture: Capture;
}

interface CatalogPort extends PublicationsPort, SharedCatalogPort, DoubtsPort, KnownCardPort {
  /** One query: every kept path of this volume, by `pathKey`, in a map of its own. */
  known(volume: VolumeId): Map<string, KnownFile>;
  /** The session of this volume that is not offloaded yet. */
  unfinishedSession(volume: VolumeId): Session | null;
  /**
   * A session for these files: a new one, or the volume's last one when they are files that failed in it, so that a card
   * with a bad file does not open another session at each insertion. With `sharing` a new one's gallery is a shared one.
   */
  openSession(volume: Volume, day: string, files: readonly CardFile[], sharing: Sharing | null): Session;
  /** Sessions with kept files whose gallery is not complete, oldest first. */
  undelivered(): readonly Session[];
  latestGallery(volume: VolumeId): Session | null;
  /** Paths of which a session has kept something, by `pathKey`. */
  settledPaths(session: SessionId): ReadonlySet<string>;
  /** Records files as `found`, failed ones once more. None of them may be settled in the session: it would never be read. */
  find(session: SessionId, files: readonly CardFile[]): void;
  /** Records what is not a regular file as failed, by name. */
  refuse(session: SessionId, refused: readonly { readonly path: CardPath; readonly reason: string }[]): void;
  pending(session: SessionId): readonly TrackedFile[];
  /** The library path and size of a kept content. */
  original(hash: ContentHash): { readonly path: string; readonly sizeBytes: number } | null;
  /** One transaction: originals, fingerprints, states. The only point of acknowledgement. */
  settle(session: Session, batch: readonly Settled[]): void;
  manifest(session: Session): readonly ManifestLine[];
  /** What of a session could not be found out again without the catalog. */
  record(session: Session): UnwrittenRecord;
  finishOffload(session: SessionId): void;
  /** Another content that a card gave for a file that is kept already: kept beside it. */
  keepOther(session: Session, copy: ProvedCopy, path: string): void;
  /** Remembers what stopped a session; `null` when it goes on. */
  stopped(session: SessionId, code: FailureCode | null): void;
  /** The newest session of a volume. */
  lastSession(volume: VolumeId): Session | null;
  tally(session: SessionId): Tally;
  stored(session: SessionId, limit: number): readonly KeptFile[];
  rendered(session: SessionId, limit: number): readonly Rendered[];
  /** Must be called before a session's files are uploaded: a gallery that moves to another store is put there whole. */
  beginDelivery(session: SessionId): void;
  /** One transaction a batch each; compare-and-set on the state. */
  markRendered(batch: readonly Rendered[]): void;
  /** Replaces what is known of renditions that had to be made once more. */
  renderedAgain(rendered: Rendered): void;
  markUploaded(ids: readonly number[]): void;
  /** Every kept file of a session, each content once. */
  delivered(session: SessionId): readonly Delivered[];
  markPublished(session: SessionId, isComplete: boolean): void;
  /** Whether the rows of a session were rebuilt from the library, so that only the store knows what it holds. */
  isRebuilt(session: SessionId): boolean;
  /** SHA-256 of what this store holds under a key, as far as we put and checked it. */
  objectHash(key: string): string | null;
  /** Must be called before other bytes are put under a key that is recorded: until they are recorded, nothing is claimed of it. */
  forgetObject(key: string): void;
  /** Originals that the store is not known to have, of the newest session first. */
  absentOriginals(
    which: "raw" | "all",
    limit: number,
  ): readonly (Original & { readonly contentType: string })[];
  /** How many originals are to be in the store, and how many of them are not known to be. */
  countOriginals(which: "raw" | "all"): { readonly chosen: number; readonly absent: number };
  recordObjects(objects: readonly Pick<NewObject, "key" | "sizeBytes" | "sha256">[]): void;
  /** Sessions with a complete gallery in this store whose zips were not looked at since, oldest first. */
  unzipped(): readonly Session[];
  /** Must be called before a zip is put: none is forgotten in the store, whatever is killed. */
  claimZip(session: SessionId, key: string): void;
  /** Keys in this store that zips of a session are or may be under. */
  zipKeys(session: SessionId): readonly string[];
  /** Says that nothing is under this key any more. */
  dropZip(key: string): void;
  markZipped(session: SessionId): void;
}

export interface PicturesPort {
  /** There will be something to derive soon: whoever does it is started meanwhile. Costs nothing, and never fails. */
  prepare(): void;
  /** Makes every rendition of an original in one decode. Never throws for a picture that cannot be read: says so in the note. */
  derive(file: KeptFile, signal: AbortSignal): Promise<Rendered>;
  /** What a messenger shows beside a link, made from the share picture of an original; `null` when there is to be none, or it cannot be made. */
  preview(
    hash: ContentHash,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: Uint8Array; readonly sha256: string } | null>;
  /** Absolute path of a rendition; the file can have been cleaned away, and is made again by `derive`. */
  renditionFile(hash: ContentHash, preset: PresetName): string;
  hasRenditions(hash: ContentHash, renditions: readonly Rendition[]): Promise<boolean>;
  /** The bytes of a rendition as it was made; `null` when its file is gone or no longer the same. */
  readRendition(hash: ContentHash, rendition: Rendition): Promise<Uint8Array | null>;
}

interface StorePort {
  /** Whether it is on other disks than the library: only then is an original in it a second copy. */
  readonly isOffsite: boolean;
  /** On return the object is in the store and was seen there with this size. Throws `remote-*`. */
  put(object: NewObject, signal: AbortSignal): Promise<void>;
  /** `sha256` is what was announced when it was put; `null` where that is not known. */
  has(
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string | null } | null>;
  /** The whole object in memory: for small ones. */
  get(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  /** On return nothing is below this key, nor under it, and nothing of a revoked gallery can come there. */
  deletePrefix(prefix: string, signal: AbortSignal): Promise<number>;
  /** As `get`, with the tag that `replace` asks for. */
  getTagged(
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: Uint8Array; readonly tag: string } | null>;
  /**
   * Puts a small object only if what is under its key is still what `tag` came with, or with `null` if nothing is; of many that
   * try at once, from any machine, one succeeds. Whoever gets `false` reads again.
   */
  replace(object: NewObject, tag: string | null, signal: AbortSignal): Promise<boolean>;
  /** Links that work now and for days, the same all day long so that caches hit. */
  sign(keys: readonly string[]): Promise<SignedLinks>;
}
