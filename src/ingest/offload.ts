import type { CardFile, Volume } from "../domain/card.ts";
import { isEmpty, isSameListing } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import { sessionDay } from "../domain/layout.ts";
import type { RemovalFacts } from "../domain/safety.ts";
import type { Session, Trouble } from "../domain/session.ts";
import { keptOfUnfinished, NOT_READ, removalFacts, sourceAgain } from "./check-card.ts";
import { keepAll } from "./keep-all.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { Ports } from "./ports.ts";
import type { ReadAgain } from "./read-again.ts";
import type { Report } from "./report.ts";
import { whatIsNew } from "./what-is-new.ts";

export interface Offloaded extends ReadAgain {
  /** The sessions that got something, in the order they were opened; none when nothing was new. */
  readonly sessions: readonly Session[];
  /** All that was met: known, kept, duplicate or named as failed. A file that went away meanwhile was met, too. */
  readonly foundFiles: number;
  /** Files that were kept before this insertion, and not in one of `sessions`. */
  readonly knownFiles: number;
  /** Everything on the card is kept, and listing it again showed the same. */
  readonly isRemovable: boolean;
  /** What is on the card and is not a regular file, or could not be read. */
  readonly refused: readonly Trouble[];
  /** What was on the card in the end. */
  readonly files: readonly CardFile[];
  readonly removal: RemovalFacts;
}

/** A card that is being written to while it is read is looked at so many times, then left for the next insertion. */
const MAX_ROUNDS = 3;

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
  let { inventory, ...look } = await firstLook(volume, options, ports, report, signal);
  let knownFiles = Math.max(0, look.knownFiles - keptOfUnfinished(volume, ports.catalog));
  if (isEmpty(inventory)) throw new Failure("card-empty", `There is not a single file on ${volume.root}.`);
  report({ kind: "listed", files: inventory.files, fresh: look.fresh, knownFiles });

  let { fresh } = look;
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
        ports.catalog.openSession(
          volume,
          sessionDay(files.map((file) => file.modifiedMs)),
          files,
          options.sharing,
        );
      if (!sessions.some(({ id }) => id === session.id)) {
        sessions.push(session);
        // One that is opened again counts what it has kept before.
        const { kept, duplicates } = ports.catalog.tally(session.id);
        if (unfinished === null) knownFiles = Math.max(0, knownFiles - kept - duplicates);
      }
      await keepAll(session, volume, files, inventory, options, ports, noteAndReport, signal);
    }
    const again = await ports.cards.list(volume, signal, inventory);
    // A pulled FAT card looks empty, and two empty listings are equal.
    if (isEmpty(again) && !isEmpty(inventory))
      throw new Failure("card-removed", `${volume.label} lists not a single file any more.`);
    isRemovable = again === inventory || isSameListing(inventory, again);
    inventory = again;
    fresh = isRemovable
      ? []
      : (await whatIsNew(volume, again, ports.catalog.known(volume.id), options, ports, report, signal))
          .fresh;
  }
  const refused = inventory.refused.map(({ path, reason }) => ({ name: displayPath(path), reason }));
  const { files } = inventory;
  const foundFiles = sessions.reduce((sum, { id }) => sum + ports.catalog.tally(id).found, knownFiles);
  const removal = removalFacts(volume, inventory, isRemovable, sessions, ports.catalog);
  const last = sessions.at(-1) ?? ports.catalog.lastSession(volume.id);
  const again =
    options.verifySource && last !== null
      ? await sourceAgain(volume, files, last, options.readers, ports, report, signal)
      : NOT_READ;
  return { sessions, foundFiles, knownFiles, isRemovable, refused, files, removal, ...again };
}

/** Lists the card. What is known of it is asked meanwhile: the card is listed by another process, and both take as long. */
async function firstLook(
  volume: Volume,
  options: OffloadOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
) {
  const listing = ports.cards.list(volume, signal);
  // Awaited below; should the catalog fail before that, nobody is left to hear of the card.
  listing.catch(() => undefined);
  const known = ports.catalog.known(volume.id);
  const inventory = await listing;
  return { inventory, ...(await whatIsNew(volume, inventory, known, options, ports, report, signal)) };
}

/** Files that failed a moment ago go on in their session, where they are named as failed; the others get another one. */
function apart(files: readonly CardFile[], failed: ReadonlySet<string>): (readonly CardFile[])[] {
  const hasFailed = ({ path }: CardFile) => failed.has(pathKey(path));
  const groups = [files.filter(hasFailed), files.filter((file) => !hasFailed(file))];
  return groups.filter((group) => group.length > 0);
}
