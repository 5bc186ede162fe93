import { bytesInWords } from "../domain/amounts.ts";
import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { compare } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import { originalPath, sessionDay, sessionFolder } from "../domain/layout.ts";
import { mediaByName } from "../domain/media.ts";
import type { Session, Trouble } from "../domain/session.ts";

import type { KnownFile, Ports, ProvedCopy, Settled, TrackedFile } from "./ports.ts";
import type { Report } from "./report.ts";
import { runStep } from "./step.ts";

/** `stat` trusts size and time; `sampled` also compares the first 64 KiB; `full` reads everything. */
export type Rescan = "stat" | "sampled" | "full";

export interface OffloadOptions {
  readonly rescan: Rescan;
  /** Files read from the card at once. */
  readonly readers: number;
  /** Space on the library's disk that is never used. */
  readonly reserveBytes: number;
}

export interface Offloaded {
  /** The sessions that got something, in the order they were opened; none when nothing was new. */
  readonly sessions: readonly Session[];
  readonly foundFiles: number;
  /** Files that were kept before this insertion. */
  readonly knownFiles: number;
  /** Everything on the card is kept, and listing it again showed the same. */
  readonly isRemovable: boolean;
  /** What is on the card and is not a regular file, or could not be read. */
  readonly refused: readonly Trouble[];
}

/** What `sampled` compares of each file: camera, time and embedded preview are in there. */
const HEAD_BYTES = 64 * 1024;

/** A card that is being written to while it is read is looked at so many times, then left for the next insertion. */
const MAX_ROUNDS = 3;

/** About what one picture's renditions take: 0.5–0.8 MB for a share of 2048 pixels and its thumb. */
const RENDITIONS_BYTES = 1024 * 1024;

/**
 * Everything on the card is in the library, proved, or named as failed. Reads only what is not known; one read per file.
 * Says "removable" only when a second listing equals the first.
 */
export async function offload(
  volume: Volume,
  options: OffloadOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Offloaded> {
  const sessions: Session[] = [];
  let inventory = await ports.cards.list(volume, signal);
  const { knownFiles, fresh: first } = await whatIsNew(volume, inventory, options, ports, report, signal);
  if (inventory.files.length === 0 && inventory.refused.length === 0)
    throw new Failure("card-empty", `There is not a single file on ${volume.root}.`);
  report({ kind: "listed", files: inventory.files, fresh: first, knownFiles });

  let fresh = first;
  let isRemovable = false;
  for (let round = 0; round < MAX_ROUNDS && !isRemovable; round++) {
    const unfinished = ports.catalog.unfinishedSession(volume.id);
    if (fresh.length > 0 || unfinished !== null) {
      const session =
        unfinished ??
        ports.catalog.openSession(volume, sessionDay(fresh.map((file) => file.modifiedMs)), fresh);
      sessions.push(session);
      await keepAll(session, volume, fresh, inventory, options, ports, report, signal);
    }
    const again = await ports.cards.list(volume, signal);
    isRemovable = isSameListing(inventory, again);
    inventory = again;
    fresh = isRemovable ? [] : (await whatIsNew(volume, again, options, ports, report, signal)).fresh;
  }
  const refused = inventory.refused.map(({ path, reason }) => ({ name: displayPath(path), reason }));
  return { sessions, foundFiles: inventory.files.length, knownFiles, isRemovable, refused };
}

/** Splits a listing into what is kept already and what has to be read. */
async function whatIsNew(
  volume: Volume,
  inventory: Inventory,
  { rescan, readers }: OffloadOptions,
  { catalog, library }: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<{ readonly knownFiles: number; readonly fresh: readonly CardFile[] }> {
  if (rescan === "full") return { knownFiles: 0, fresh: inventory.files };
  const known = catalog.known(volume.id);
  const { added, modified, unchanged } = compare(inventory.files, known);
  const changed = new Set<CardFile>([...added, ...modified]);
  if (rescan === "sampled")
    await runStep({
      from: unchanged,
      concurrency: readers,
      run: async (file) => ({ file, isSame: await isSameHead(volume, file, known, library, signal) }),
      commit: (batch) => {
        for (const { file, isSame } of batch) if (!isSame) changed.add(file);
        report({
          kind: "sampled",
          bytes: batch.reduce((sum, { file }) => sum + Math.min(file.sizeBytes, HEAD_BYTES), 0),
        });
      },
    });
  // In the order of the listing: the gallery grows in the order the pictures were taken.
  const fresh = inventory.files.filter((file) => changed.has(file));
  return { knownFiles: inventory.files.length - fresh.length, fresh };
}

/** A head that cannot be read is no proof of sameness: the file is read like a new one, and named if it fails. */
async function isSameHead(
  volume: Volume,
  file: CardFile,
  known: ReadonlyMap<string, KnownFile>,
  library: Ports["library"],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await library.headHash(volume, file, signal)) === known.get(pathKey(file.path))?.headHash;
  } catch (error) {
    if (Failure.is(error, "file")) return false;
    throw error;
  }
}

async function keepAll(
  session: Session,
  volume: Volume,
  fresh: readonly CardFile[],
  inventory: Inventory,
  options: OffloadOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, library } = ports;
  catalog.find(session.id, fresh);
  catalog.refuse(session.id, inventory.refused);
  report({ kind: "session", session });
  const pending = catalog.pending(session.id);
  await assertSpace(pending, options.reserveBytes, library);
  const troubled: TrackedFile[] = [];
  await keep(pending, (file) => troubled.push(file));
  await keep(troubled, null);
  await library.writeManifest(sessionFolder(session), catalog.manifest(session));
  catalog.finishOffload(session.id);

  /** With `putOff`, a file whose failure may pass is put off to the end; without, it is recorded as failed. */
  async function keep(
    files: readonly TrackedFile[],
    putOff: ((file: TrackedFile) => void) | null,
  ): Promise<void> {
    const inBatch = new Set<string>();
    await runStep<TrackedFile, Settled | null>({
      from: files,
      concurrency: options.readers,
      bytesOf: (outcome) => outcome?.file.sizeBytes ?? 0,
      run: async (file) => {
        try {
          const copy = await library.copy(volume, file, signal);
          return { to: "stored", file, copy, path: originalPath(session, file.path) };
        } catch (error) {
          if (!Failure.is(error, "file")) throw error;
          if (error.policy.retry && putOff !== null) {
            putOff(file);
            return null;
          }
          return { to: "failed", file, code: error.code, reason: `${error.message} ${error.policy.hint}` };
        }
      },
      commit: async (batch) => {
        inBatch.clear();
        const settled: Settled[] = [];
        for (const outcome of batch)
          if (outcome !== null) settled.push(await nameIt(outcome, inBatch, ports));
        await library.sync(settled.flatMap((outcome) => (outcome.to === "stored" ? [outcome.path] : [])));
        catalog.settle(session, settled);
        report({ kind: "settled", outcomes: settled });
      },
    });
  }
}

/** Gives a proved copy its final name, or drops it when its content is in the library already, checked on disk. */
async function nameIt(outcome: Settled, inBatch: Set<string>, { catalog, library }: Ports): Promise<Settled> {
  if (outcome.to !== "stored") return outcome;
  const { file, copy } = outcome;
  if (inBatch.has(copy.hash) || (await isKept(copy, catalog, library))) {
    await library.discard(copy);
    return { to: "duplicate", file, copy };
  }
  inBatch.add(copy.hash);
  return { ...outcome, path: await library.place(copy, outcome.path) };
}

async function isKept(
  copy: ProvedCopy,
  catalog: Ports["catalog"],
  library: Ports["library"],
): Promise<boolean> {
  const kept = catalog.original(copy.hash);
  return kept !== null && (await library.holds(kept.path, kept.sizeBytes));
}

/** Checked before the first byte, so that a card is not left half copied because of something that could be known. */
async function assertSpace(
  files: readonly CardFile[],
  reserveBytes: number,
  library: Ports["library"],
): Promise<void> {
  const pictures = files.filter(({ path }) => mediaByName(displayPath(path)).kind === "picture").length;
  const copyBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const needBytes = copyBytes + pictures * RENDITIONS_BYTES + reserveBytes;
  const freeBytes = await library.freeBytes();
  if (files.length === 0 || freeBytes >= needBytes) return;
  throw new Failure(
    "disk-full",
    `The card needs ${bytesInWords(needBytes)} on the library's disk (with ${bytesInWords(reserveBytes)} kept in reserve), ${bytesInWords(freeBytes)} are free.`,
  );
}

function isSameListing(a: Inventory, b: Inventory): boolean {
  const lines = ({ files, refused }: Inventory) =>
    [
      ...files.map((file) => `${pathKey(file.path)}\0${file.sizeBytes}\0${file.modifiedMs}`),
      ...refused.map(({ path }) => pathKey(path)),
    ].toSorted();
  const [first, second] = [lines(a), lines(b)];
  return first.length === second.length && first.every((line, index) => line === second[index]);
}
