import type { VolumeId } from "../domain/card.ts";
import { pathKey, withSuffix } from "../domain/card-path.ts";
import type { ContentHash } from "../domain/hash.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import { parseManifest } from "../domain/manifest.ts";
import type { Media } from "../domain/media.ts";
import type { Session, SessionId } from "../domain/session.ts";
import type { RecordedFile, SessionRecord } from "../domain/session-record.ts";
import { parseSessionRecord } from "../domain/session-record.ts";

export interface FolderFile {
  /** Below the library's root. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** A session's folder as it lies on disk. */
export interface Folder {
  readonly path: string;
  readonly day: string;
  readonly name: string;
  readonly record: string | null;
  readonly sums: string | null;
  readonly files: readonly FolderFile[];
}

/** An original as a manifest names it. */
export interface Claim {
  readonly path: string;
  readonly hash: ContentHash;
  readonly sizeBytes: number | null;
  readonly media: Media | null;
}

/** A folder on its way to a session. */
export interface Draft {
  readonly folder: Folder;
  /** `null` when it has none that is whole and its own. */
  readonly record: SessionRecord | null;
  readonly claims: readonly Claim[];
}

/** An original that is there, by its content, and the session that has it. */
export interface Kept {
  readonly draft: Draft;
  readonly file: FolderFile;
  readonly media: Media;
}

/** A session with all that the library bears out. */
export interface Restored {
  readonly session: Session;
  readonly originals: readonly {
    readonly hash: ContentHash;
    readonly path: string;
    readonly sizeBytes: number;
    readonly media: Media;
  }[];
  readonly files: readonly RecordedFile[];
  /** Names of its galleries that nobody may see any more. */
  readonly revoked: readonly string[];
}

/** What the manifests in a folder say is there. */
export function draftOf(folder: Folder): Draft {
  const parsed = folder.record === null ? null : parseSessionRecord(folder.record);
  // One that was moved here with another folder says nothing of this one.
  const record = parsed?.session.name === folder.name && parsed.session.day === folder.day ? parsed : null;
  if (record === null) return { folder, record, claims: linesOf(folder) };
  const claims = record.files.flatMap(({ sizeBytes, fate }) =>
    fate.to === "kept" && fate.original !== null ? [{ ...fate.original, hash: fate.hash, sizeBytes }] : [],
  );
  return { folder, record, claims };
}

function linesOf({ path: folder, sums }: Folder): Claim[] {
  let lines: ManifestLine[] = [];
  try {
    lines = parseManifest(sums ?? "");
  } catch {
    // A damaged manifest names nothing: its files are adopted, each by what it holds.
  }
  return lines.map(({ path, hash }) => ({ path: `${folder}/${path}`, hash, sizeBytes: null, media: null }));
}

const numberIn = ({ record, folder }: Draft) => record?.session.id ?? Number(folder.name.split("-")[0]);

/** In the order in which the sessions were opened. */
export function inOrder(drafts: readonly Draft[]): Draft[] {
  return drafts.toSorted((a, b) => numberIn(a) - numberIn(b) || (a.folder.name < b.folder.name ? -1 : 1));
}

/** The rows of every session, numbered as their names say, in that order. */
export function restore(
  drafts: readonly Draft[],
  kept: ReadonlyMap<ContentHash, Kept>,
  newSlug: () => string,
): Restored[] {
  const number = numbering(drafts);
  const ownOf = Map.groupBy(kept, ([, { draft }]) => draft);
  return drafts
    .map((draft) => {
      const own = ownOf.get(draft) ?? [];
      return {
        session: { ...sessionOf(draft, newSlug), id: number(draft) },
        originals: own.map(([hash, { file, media }]) => ({ ...file, hash, media })),
        files: filesOf(draft, own, kept),
        revoked: draft.record?.revoked ?? [],
      };
    })
    .toSorted((a, b) => a.session.id - b.session.id);
}

/** The files of a session: those of its record, as far as their originals are there, then those nobody recorded. */
function filesOf(
  { folder, record }: Draft,
  own: readonly (readonly [ContentHash, Kept])[],
  kept: ReadonlyMap<ContentHash, Kept>,
): RecordedFile[] {
  const recorded = (record?.files ?? []).map((file): RecordedFile => {
    if (file.fate.to === "failed" || kept.has(file.fate.hash)) return file;
    return { ...file, fate: { to: "failed", code: "file-unreadable", reason: GONE } };
  });
  const names = new Set(recorded.map(({ path }) => pathKey(path)));
  const hashes = new Set(recorded.map(({ fate }) => (fate.to === "failed" ? null : fate.hash)));
  const rest = own.filter(([hash]) => !hashes.has(hash));
  const added = rest.map(([hash, { file, media }]): RecordedFile => {
    const name = file.path.slice(folder.path.length + 1);
    const path = new TextEncoder().encode(name);
    const isTaken = names.has(pathKey(path));
    return {
      path: isTaken ? new TextEncoder().encode(withSuffix(name, hash.slice(0, 8))) : path,
      sizeBytes: file.sizeBytes,
      modifiedMs: file.modifiedMs,
      fate: { to: "kept", hash, headHash: null, original: { path: file.path, media } },
    };
  });
  return [...recorded, ...added];
}

const GONE =
  "Its original was not in the library any more when the catalog was rebuilt. Insert the card again.";

/** The slug of a shared gallery is asked of the store again, by its name. */
function sessionOf({ record, folder }: Draft, newSlug: () => string): Session {
  if (record === null) return lostSession(folder, newSlug());
  return record.session.sharing === null ? record.session : { ...record.session, slug: newSlug() };
}

/** What can be known of a session from its folder alone. Its card is read once more, and found to be kept. */
function lostSession({ name, day }: Folder, slug: string): Session {
  const volume = `lost ${name}` as VolumeId;
  return { id: 0 as SessionId, name, volume, label: "Card", day, slug, isOffloaded: true, sharing: null };
}

/** Each session has the number in its name; where two have the same, since a catalog was lost before, the second gets a new one. */
function numbering(drafts: readonly Draft[]): (draft: Draft) => SessionId {
  const numbers = new Map<Draft, number>();
  const used = new Set<number>();
  let last = Math.max(0, ...drafts.map(numberIn));
  for (const draft of inOrder(drafts)) {
    const number = used.has(numberIn(draft)) ? ++last : numberIn(draft);
    used.add(number);
    numbers.set(draft, number);
  }
  return (draft) => numbers.get(draft) as SessionId;
}
