import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { isEmpty, isSameListing } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import { sessionDay } from "../domain/layout.ts";
import type { RemovalFacts } from "../domain/safety.ts";
import type { Session, Trouble } from "../domain/session.ts";
import { NOT_READ, removalFacts, sourceAgain } from "./check-card.ts";
import { keepAll } from "./keep-all.ts";
import { isAllThere, listAsKept, lookWhenKept, rememberLook } from "./known-card.ts";
import { noticing } from "./near-errors.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { Ports } from "./ports.ts";
import type { ReadAgain } from "./read-again.ts";
import { readSuspects } from "./read-again.ts";
import type { Report } from "./report.ts";
import { knownAndThere, whatIsNew } from "./what-is-new.ts";

export interface Offloaded extends ReadAgain {
  /** The sessions that got something, in the order they were opened; none when nothing was new. */
  readonly sessions: readonly Session[];
  /** All that was met: known, kept, duplicate or named as failed. A file that went away meanwhile was met, too. */
  readonly foundFiles: number;
  /** Files that were kept before this insertion, and not in one of `sessions`. */
  readonly knownFiles: number;
  /** What is on the card and is not a regular file, or could not be read. */
  readonly refused: readonly Trouble[];
  /** What was on the card in the end; `null` where it looked as it did when it was kept, and nobody needs the names. */
  readonly files: readonly CardFile[] | null;
  readonly removal: RemovalFacts;
}

/** A card that is being written to while it is read is looked at so many times, then left for the next insertion. */
const MAX_ROUNDS = 3;

/**
 * Everything on the card is in the library, proved, or named as failed. Reads only what is not known; one read per file. What
 * was found out about taking the card out is in `removal`.
 */
export async function offload(
  volume: Volume,
  options: OffloadOptions,
  given: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Offloaded> {
  const ports = noticing(volume, given);
  const { cards, catalog } = ports;
  const first = await firstLook(volume, options, ports, report, signal);
  if (!("inventory" in first)) {
    report({ kind: "listed", files: first.foundFiles, fresh: [] });
    return first;
  }
  if (isEmpty(first.inventory))
    throw new Failure("card-empty", `There is not a single file on ${volume.root}.`);
  report({ kind: "listed", files: first.inventory.files.length, fresh: first.fresh });

  const sessions: Session[] = [];
  /** What is named as failed at the moment, by `pathKey`. */
  const failed = new Set<string>();
  const noteAndReport: Report = (told) => {
    for (const { to, file } of told.kind === "settled" ? told.outcomes : [])
      failed[to === "failed" ? "add" : "delete"](pathKey(file.path));
    report(told);
  };
  let { inventory, fresh } = first;
  let isSame = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // What is read again has no earlier reading to be compared with: the card may have something else there now.
    if (catalog.suspects(volume.id).length > 0) catalog.unsuspect(volume.id, fresh.map(pathOf));
    let left = fresh;
    for (;;) {
      const unfinished = catalog.unfinishedSession(volume.id);
      if (unfinished === null && left.length === 0) break;
      const [files, rest] = split(left, mayTake(unfinished, left, failed, catalog));
      left = rest;
      const session = unfinished ?? openSession(volume, files, options, catalog);
      const isNew = !sessions.some(({ id }) => id === session.id);
      if (isNew) sessions.push(session);
      // What is no file is named once for each look at the card.
      const refused = sessions.length === 1 && isNew ? inventory.refused : [];
      await keepAll(session, volume, files, refused, options, ports, noteAndReport, signal);
    }
    const again = await cards.list(volume, signal, inventory);
    // A pulled FAT card looks empty, and two empty listings are equal.
    if (isEmpty(again) && !isEmpty(inventory))
      throw new Failure("card-removed", `${volume.label} lists not a single file any more.`);
    isSame = again === inventory || isSameListing(inventory, again);
    inventory = again;
    if (isSame) break;
    const known = await knownAndThere(volume, options, ports);
    fresh = await whatIsNew(volume, again, known, options, ports, report, signal);
  }
  const { files } = inventory;
  const knownFiles = knownBefore(first.inventory.files, first.fresh, sessions, catalog);
  const foundFiles = sessions.reduce((sum, { id }) => sum + catalog.tally(id).found, knownFiles);
  const removal = removalFacts(volume, inventory, isSame, sessions, ports);
  const last = sessions.at(-1) ?? catalog.lastSession(volume.id);
  // A session that goes on has done so; this is for a process that was ended after its session.
  if (sessions.length === 0 && !options.verifySource && last !== null)
    await readSuspects(last, volume, options.readers, ports, report, signal);
  const readAgain =
    options.verifySource && last !== null
      ? await sourceAgain(volume, files, last, options.readers, ports, report, signal)
      : NOT_READ;
  const isAllKept = isSame && removal.failed.length === 0 && removal.keptFiles === files.length;
  if (isAllKept && readAgain.different.size === 0) rememberLook(volume, inventory, ports);
  const refused = inventory.refused.map(({ path, reason }) => ({ name: displayPath(path), reason }));
  return { sessions, foundFiles, knownFiles, refused, files, removal, ...readAgain };
}

interface Look {
  readonly inventory: Inventory;
  readonly fresh: readonly CardFile[];
}

/**
 * Lists the card. What is known of it is asked meanwhile: the card is listed by another process, and both take as long. One that
 * looks as it did when everything on it was kept is done with that.
 */
async function firstLook(
  volume: Volume,
  options: OffloadOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Look | Offloaded> {
  const kept = lookWhenKept(volume, options, ports);
  const listing = kept === null ? ports.cards.list(volume, signal) : listAsKept(volume, kept, ports, signal);
  // Awaited below; should the catalog fail before that, nobody is left to hear of the card.
  listing.catch(() => undefined);
  const isThere = kept !== null && (await isAllThere(volume, ports));
  const known = isThere ? null : await knownAndThere(volume, options, ports);
  const listed = await listing;
  const names = "refused" in listed ? listed.files : null;
  if (isThere && listed.digest === kept.digest) return keptBefore(kept.files, names, ports);
  const inventory = "refused" in listed ? listed : await ports.cards.list(volume, signal);
  const before = known ?? ports.catalog.known(volume.id);
  return { inventory, fresh: await whatIsNew(volume, inventory, before, options, ports, report, signal) };
}

/** What there is to say of a card of which everything was kept when it was in before. */
function keptBefore(count: number, files: readonly CardFile[] | null, { library }: Ports): Offloaded {
  const removal: RemovalFacts = {
    isSameListing: true,
    foundFiles: count,
    keptFiles: count,
    failed: [],
    unmount: "not-ours",
    proof: library.proof(),
  };
  return { sessions: [], foundFiles: count, knownFiles: count, refused: [], files, removal, ...NOT_READ };
}

/**
 * Which of these files the next session takes. One that was interrupted goes on, but has a place for one content of a path: what
 * the card has there now, where something else was kept before, belongs to another session. Files that failed a moment ago
 * go on where they are named as failed.
 */
function mayTake(
  unfinished: Session | null,
  files: readonly CardFile[],
  failed: ReadonlySet<string>,
  catalog: Ports["catalog"],
): (file: CardFile) => boolean {
  if (unfinished !== null) {
    const settled = catalog.settledPaths(unfinished.id);
    return ({ path }) => !settled.has(pathKey(path));
  }
  const hasFailed = ({ path }: CardFile) => failed.has(pathKey(path));
  return files.some(hasFailed) ? hasFailed : () => true;
}

function openSession(
  volume: Volume,
  files: readonly CardFile[],
  { sharing }: OffloadOptions,
  catalog: Ports["catalog"],
): Session {
  return catalog.openSession(volume, sessionDay(files.map((file) => file.modifiedMs)), files, sharing);
}

/** How many files were kept before, and are counted in none of these sessions. */
function knownBefore(
  files: readonly CardFile[],
  fresh: readonly CardFile[],
  sessions: readonly Session[],
  catalog: Ports["catalog"],
): number {
  if (sessions.length === 0) return files.length - fresh.length;
  const [isFresh, counted] = [new Set(fresh), sessions.map(({ id }) => catalog.settledPaths(id))];
  const isCounted = (key: string) => counted.some((paths) => paths.has(key));
  return files.filter((file) => !isFresh.has(file) && !isCounted(pathKey(file.path))).length;
}

const pathOf = ({ path }: CardFile) => path;

function split<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
