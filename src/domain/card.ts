import type { CardPath } from "./card-path.ts";
import { pathKey } from "./card-path.ts";

/** A hint which filesystem this is: a hash of its UUID, label and size, or of a folder's real path. Never identity. */
export type VolumeId = string & { readonly __brand: "VolumeId" };

/** A mounted filesystem, or a folder standing in for one. */
export interface Volume {
  readonly id: VolumeId;
  /** Absolute path of its root. */
  readonly root: string;
  /** What people call it: the filesystem's label, or the folder's name. */
  readonly label: string;
  /** What it lay on when it was identified; once that differs, the card is gone. Absent where nobody looked. */
  readonly medium?: string;
}

/** Path, size and modification time of a file on a volume: a hint that saves reading it, never proof. */
export interface Fingerprint {
  readonly path: CardPath;
  readonly sizeBytes: number;
  /** Milliseconds since 1970, whole; FAT has steps of two seconds. */
  readonly modifiedMs: number;
}

/** A regular file seen on a volume. */
export type CardFile = Fingerprint;

/** Something on a card that is not a regular file or could not be looked at. */
export interface RefusedEntry {
  readonly path: CardPath;
  readonly reason: string;
}

/** What is on a volume, by stat alone, in the order it should be read. */
export interface Inventory {
  readonly files: readonly CardFile[];
  readonly refused: readonly RefusedEntry[];
}

export interface Delta {
  readonly added: readonly CardFile[];
  readonly modified: readonly CardFile[];
  readonly unchanged: readonly CardFile[];
  /** Files that were here before; nothing follows from it for the library. */
  readonly deletedFiles: number;
}

/** Compares what is on a volume with what is known of it, by path, size and time. */
export function compare(files: readonly CardFile[], known: ReadonlyMap<string, Fingerprint>): Delta {
  const added: CardFile[] = [];
  const modified: CardFile[] = [];
  const unchanged: CardFile[] = [];
  for (const file of files) {
    const before = known.get(pathKey(file.path));
    if (before === undefined) added.push(file);
    else if (isSameFingerprint(before, file)) unchanged.push(file);
    else modified.push(file);
  }
  return { added, modified, unchanged, deletedFiles: known.size - modified.length - unchanged.length };
}

function isSameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

/** Whether there is nothing at all. */
export function isEmpty({ files, refused }: Inventory): boolean {
  return files.length === 0 && refused.length === 0;
}

/** Whether two listings show the same, in whatever order. */
export function isSameListing(a: Inventory, b: Inventory): boolean {
  return isSameInOrder(a, b) || isSameInAnyOrder(a, b);
}

/** What a card that nobody touched shows, for nothing. */
function isSameInOrder(a: Inventory, b: Inventory): boolean {
  const isSame = (one: Fingerprint, other: Fingerprint | undefined) =>
    other !== undefined && isSameFingerprint(one, other) && isSamePath(one.path, other.path);
  return (
    a.refused.length + b.refused.length === 0 &&
    a.files.length === b.files.length &&
    a.files.every((file, index) => isSame(file, b.files[index]))
  );
}

function isSamePath(a: CardPath, b: CardPath): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function isSameInAnyOrder(a: Inventory, b: Inventory): boolean {
  const lines = ({ files, refused }: Inventory) =>
    [
      ...files.map((file) => `${pathKey(file.path)}\0${file.sizeBytes}\0${file.modifiedMs}`),
      ...refused.map(({ path }) => pathKey(path)),
    ].toSorted();
  const [first, second] = [lines(a), lines(b)];
  return first.length === second.length && first.every((line, index) => line === second[index]);
}
