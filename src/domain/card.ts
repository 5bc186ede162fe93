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
  /** Files that were changed after this moment are still being written, and do not count yet; absent, all do. */
  readonly onlyBeforeMs?: number;
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
  /** Of all of the above, as it was met on the volume: tells two listings apart without having both. */
  readonly digest?: string;
}

export interface Delta {
  readonly added: readonly CardFile[];
  readonly modified: readonly CardFile[];
  readonly unchanged: readonly CardFile[];
  /** Files that were here before; nothing follows from it for the library. */
  readonly deletedFiles: number;
}

/** Compares what is on a volume with what is known of it, by path, size and time. */
export function compare(
  files: readonly CardFile[],
  known: ReadonlyMap<string, Omit<Fingerprint, "path">>,
): Delta {
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

function isSameFingerprint(a: Omit<Fingerprint, "path">, b: Omit<Fingerprint, "path">): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

/** Whether there is nothing at all. */
export function isEmpty({ files, refused }: Inventory): boolean {
  return files.length === 0 && refused.length === 0;
}

/** Whether two listings show the same, in whatever order. */
export function isSameListing(a: Inventory, b: Inventory): boolean {
  const lines = ({ files, refused }: Inventory) =>
    [
      ...files.map((file) => `${pathKey(file.path)}\0${file.sizeBytes}\0${file.modifiedMs}`),
      ...refused.map(({ path }) => pathKey(path)),
    ].toSorted();
  const [first, second] = [lines(a), lines(b)];
  return first.length === second.length && first.every((line, index) => line === second[index]);
}
