import type { ReadBack } from "../domain/finding.ts";
import { FINDINGS } from "../domain/finding.ts";
import type { ContentHash } from "../domain/hash.ts";
import type { Media } from "../domain/media.ts";
import type { Trouble } from "../domain/session.ts";
import type { Claim, Draft, Folder, FolderFile, Kept, Restored } from "./restore.ts";
import { draftOf, inOrder, restore } from "./restore.ts";
import { runStep } from "./step.ts";
import type { VerifyPorts } from "./verify.ts";

export interface RebuildPorts {
  folders(): AsyncIterable<Folder>;
  /** Files below `originals` that are in no session's folder. */
  strays(): Promise<readonly string[]>;
  identify(path: string): Promise<Media>;
  readonly readBack: VerifyPorts["library"]["readBack"];
  /** SHA-256 of a file as the medium gives it back; `null` when it cannot be read. */
  hashOf(path: string, signal: AbortSignal): Promise<ContentHash | null>;
}

export interface RebuildOptions {
  /** Reads every original back instead of trusting its size. */
  readonly isReading: boolean;
  /** Files read at once. */
  readonly readers: number;
}

export interface Rebuilt {
  readonly sessions: readonly Restored[];
  /** Folders of sessions without a whole `session.json`: their links are new, and their cards are read once more. */
  readonly unrecorded: readonly { readonly path: string; readonly hasRecord: boolean }[];
  /** Files that no manifest named and that are originals now. */
  readonly adopted: readonly string[];
  /** Files that were read back, adopted ones included. */
  readonly readFiles: number;
  /** What is recorded and is not there as it was, and what could not be read. */
  readonly troubles: readonly Trouble[];
  /** Files in no session's folder, or with a content that is kept elsewhere. They stay as they are. */
  readonly leftAlone: readonly string[];
}

/**
 * Rebuilds the rows of a lost catalog from the library: from each session's `session.json`, else from its `SHA256SUMS`, and
 * from files that no manifest names. There is a row only for what is on disk: with the recorded size or, with `isReading` and
 * where no size is recorded, read back equal. Changes nothing in the library. Throws `disk-unwritable`.
 */
export async function rebuild(
  { isReading, readers }: RebuildOptions,
  library: RebuildPorts,
  newSlug: () => string,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const byName = new Map<string, Draft>();
  const leftAlone = [...(await library.strays())];
  for await (const folder of library.folders()) {
    // The copy of a folder in another place is no second session.
    if (byName.has(folder.name)) leftAlone.push(...folder.files.map(({ path }) => path));
    else byName.set(folder.name, draftOf(folder));
  }

  const drafts = inOrder([...byName.values()]);
  const kept = new Map<ContentHash, Kept>();
  const troubles: Trouble[] = [];
  const orphans: { readonly draft: Draft; readonly file: FolderFile }[] = [];
  let readFiles = 0;
  for (const draft of drafts) {
    const unclaimed = new Map(draft.folder.files.map((file) => [file.path, file]));
    await runStep({
      from: draft.claims,
      concurrency: readers,
      run: async (claim) => ({ claim, state: await stateOf(claim, unclaimed.get(claim.path)) }),
      commit: async (batch) => {
        for (const { claim, state } of batch) {
          const file = unclaimed.get(claim.path);
          if (state === "as-kept" && file !== undefined) {
            unclaimed.delete(claim.path);
            await keep(claim.hash, draft, file, claim.media);
          } else if (state !== "as-kept") troubles.push({ name: claim.path, reason: FINDINGS[state] });
        }
      },
    });
    for (const file of unclaimed.values()) orphans.push({ draft, file });
  }

  const adopted: string[] = [];
  await runStep({
    from: orphans,
    concurrency: readers,
    run: async (orphan) => ({ ...orphan, hash: await library.hashOf(orphan.file.path, signal) }),
    commit: async (batch) => {
      for (const { draft, file, hash } of batch) {
        readFiles++;
        if (hash === null) troubles.push({ name: file.path, reason: FINDINGS.unreadable });
        else if (kept.has(hash)) leftAlone.push(file.path);
        else {
          adopted.push(file.path);
          await keep(hash, draft, file, null);
        }
      }
    },
  });
  return {
    sessions: restore(drafts, kept, newSlug),
    unrecorded: drafts
      .filter(({ record }) => record === null)
      .map(({ folder }) => ({ path: folder.path, hasRecord: folder.record !== null })),
    adopted: adopted.toSorted(),
    readFiles,
    troubles: troubles.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    leftAlone: leftAlone.toSorted(),
  };

  async function stateOf(claim: Claim, file: FolderFile | undefined): Promise<ReadBack["state"]> {
    signal.throwIfAborted();
    if (file === undefined) return "missing";
    if (claim.sizeBytes !== null && claim.sizeBytes !== file.sizeBytes) return "changed";
    if (!isReading && claim.sizeBytes !== null) return "as-kept";
    readFiles++;
    return (await library.readBack({ ...file, hash: claim.hash }, signal)).state;
  }

  /** A content is kept once: where two sessions claim one, the later has it, as the catalog had moved it there. */
  async function keep(hash: ContentHash, draft: Draft, file: FolderFile, media: Media | null): Promise<void> {
    const before = kept.get(hash);
    if (before !== undefined) leftAlone.push(before.file.path);
    kept.set(hash, { draft, file, media: media ?? (await library.identify(file.path)) });
  }
}
