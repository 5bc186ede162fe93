import { setTimeout as delay } from "node:timers/promises";
import { bytesInWords } from "../domain/amounts.ts";
import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { compare, isEmpty, isSameListing } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { originalPath, sessionDay, sessionFolder } from "../domain/layout.ts";
import { mediaByName } from "../domain/media.ts";
import type { RemovalFacts } from "../domain/safety.ts";
import type { Session, Trouble } from "../domain/session.ts";
import { assertAddsUp } from "../domain/session.ts";
import { keptOfUnfinished, NOT_READ, removalFacts, sourceAgain } from "./check-card.ts";
import type { KnownFile, Ports, ProvedCopy, Settled, TrackedFile } from "./ports.ts";
import type { ReadAgain } from "./read-again.ts";
import { readAgain, suspects } from "./read-again.ts";
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
  /** Whether the card is read a second time, to compare: it can be said to be safe to format only then. */
  readonly verifySource: boolean;
}

export interface Offloaded extends ReadAgain {
  /** The sessions that got something, in the order they were opened; none when nothing was new. */
  readonly sessions: readonly Session[];
  readonly foundFiles: number;
  /** Files that were kept before this insertion. */
  readonly knownFiles: number;
  /** Everything on the card is kept, and listing it again showed the same. */
  readonly isRemovable: boolean;
  /** What is on the card and is not a regular file, or could not be read. */
  readonly refused: readonly Trouble[];
  /** What was on the card in the end. */
  readonly files: readonly CardFile[];
  readonly removal: RemovalFacts;
}

/** What `sampled` compares of each file: camera, time and embedded preview are in there. */
const HEAD_BYTES = 64 * 1024;

/** A card that is being written to while it is read is looked at so many times, then left for the next insertion. */
const MAX_ROUNDS = 3;

/** The kernel takes up to 0.25 s to notice that a card was pulled whose reads fail already (cardlab §3, "latency"). */
const NOTICE_MS = 500;

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
  const { knownFiles: known, fresh: first } = await whatIsNew(
    volume,
    inventory,
    options,
    ports,
    report,
    signal,
  );
  const knownFiles = Math.max(0, known - keptOfUnfinished(volume, ports.catalog));
  if (isEmpty(inventory)) throw new Failure("card-empty", `There is not a single file on ${volume.root}.`);
  report({ kind: "listed", files: inventory.files, fresh: first, knownFiles });

  let fresh = first;
  let isRemovable = false;
  /** What is named as failed at the moment, by `pathKey`. */
  const failed = new Set<string>();
  const noteAndReport: Report = (told) => {
    for (const { to, file } of told.kind === "settled" ? told.outcomes : [])
      failed[to === "failed" ? "add" : "delete"](pathKey(file.path));
    report(told);
  };
  for (let round = 0; round < MAX_ROUNDS && !isRemovable; round++) {
    const unfinished = ports.catalog.unfinishedSession(volume.id);
    for (const files of unfinished === null ? apart(fresh, failed) : [fresh]) {
      const session =
        unfinished ??
        ports.catalog.openSession(volume, sessionDay(files.map((file) => file.modifiedMs)), files);
      if (!sessions.some(({ id }) => id === session.id)) sessions.push(session);
      await keepAll(session, volume, files, inventory, options, ports, noteAndReport, signal);
    }
    const again = await ports.cards.list(volume, signal);
    // A pulled FAT card looks empty, and two empty listings are equal (cardlab §0.2).
    if (isEmpty(again) && !isEmpty(inventory))
      throw new Failure("card-removed", `${volume.label} lists not a single file any more.`);
    isRemovable = isSameListing(inventory, again);
    inventory = again;
    fresh = isRemovable ? [] : (await whatIsNew(volume, again, options, ports, report, signal)).fresh;
  }
  const refused = inventory.refused.map(({ path, reason }) => ({ name: displayPath(path), reason }));
  const { files } = inventory;
  const removal = removalFacts(volume, inventory, isRemovable, sessions, ports.catalog);
  const last = sessions.at(-1) ?? ports.catalog.lastSession(volume.id);
  const again =
    options.verifySource && last !== null
      ? await sourceAgain(volume, files, last, options.readers, ports, report, signal)
      : NOT_READ;
  return { sessions, foundFiles: files.length, knownFiles, isRemovable, refused, files, removal, ...again };
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

/** Files that failed a moment ago go on in their session, where they are named as failed; the others get another one. */
function apart(files: readonly CardFile[], failed: ReadonlySet<string>): (readonly CardFile[])[] {
  const hasFailed = ({ path }: CardFile) => failed.has(pathKey(path));
  const groups = [files.filter(hasFailed), files.filter((file) => !hasFailed(file))];
  return groups.filter((group) => group.length > 0);
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
  const { cards, catalog, library } = ports;
  catalog.stopped(session.id, null);
  catalog.find(session.id, fresh);
  catalog.refuse(session.id, inventory.refused);
  report({ kind: "session", session });
  const pending = catalog.pending(session.id);
  await assertSpace(pending, options.reserveBytes, library);
  const folder = sessionFolder(session);
  // Before the first file: the link to its gallery goes out while files still come, and must outlive the catalog.
  await library.writeRecord(folder, catalog.record(session));
  const troubled: TrackedFile[] = [];
  const reads: { readonly file: CardFile; readonly hash: ContentHash; readonly endedMs: number }[] = [];
  const errorsMs: number[] = [];
  await keep(pending, (file) => troubled.push(file));
  await keep(troubled, null);
  const doubtful = options.verifySource ? [] : suspects(reads, errorsMs);
  if (doubtful.length > 0) await readAgain(doubtful, volume, session, options.readers, ports, report, signal);
  await library.writeManifest(folder, catalog.manifest(session));
  await library.writeRecord(folder, catalog.record({ ...session, isOffloaded: true }));
  assertAddsUp(catalog.tally(session.id));
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
          reads.push({ file, hash: copy.hash, endedMs: performance.now() });
          return { to: "stored", file, copy, path: originalPath(session, file.path) };
        } catch (error) {
          if (!Failure.is(error, "file")) throw error;
          // A pulled card fails file by file; it is not the files that are bad.
          await cards.assertPresent(volume);
          if (error.code === "file-unreadable") errorsMs.push(performance.now());
          if (error.policy.retry && putOff !== null) {
            putOff(file);
            return null;
          }
          if (error.code === "file-unreadable") {
            await delay(NOTICE_MS, undefined, { signal }).catch(() => undefined);
            await cards.assertPresent(volume);
          }
          return { to: "failed", file, code: error.code, reason: `${error.message} ${error.policy.hint}` };
        }
      },
      commit: async (batch) => {
        inBatch.clear();
        // A card that was swapped below its mount gives bytes of the other one without an error (cardlab §0.4).
        await cards.assertPresent(volume);
        const settled: Settled[] = [];
        for (const outcome of batch)
          if (outcome !== null) settled.push(await nameIt(outcome, inBatch, ports));
        await library.sync(settled.flatMap((outcome) => (outcome.to === "stored" ? [outcome.path] : [])));
        await assertPlaced(settled, library);
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

/** The row that follows says that these are on the disk, so the disk is asked: it costs one look a file. */
async function assertPlaced(settled: readonly Settled[], library: Ports["library"]): Promise<void> {
  for (const outcome of settled)
    if (outcome.to === "stored" && !(await library.holds(outcome.path, outcome.copy.sizeBytes)))
      throw new Failure("disk-unwritable", `${outcome.path} is not where it was just put.`);
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
