import type { CardFile, Inventory, Volume } from "../domain/card.ts";
import { displayPath } from "../domain/card-path.ts";
import type { RemovalFacts } from "../domain/safety.ts";
import type { Session } from "../domain/session.ts";
import type { Ports } from "./ports.ts";
import type { ReadAgain } from "./read-again.ts";
import { keptOf, readAgain } from "./read-again.ts";
import type { Report } from "./report.ts";

/** What is known of a card's source when nobody asked for a second read. */
export const NOT_READ: ReadAgain = { source: "not-read", different: new Set() };

/** What was found out about a card at the end of its offload, from the rows that say what is on the disk. */
export function removalFacts(
  volume: Volume,
  { files, refused }: Inventory,
  isSameListing: boolean,
  sessions: readonly Session[],
  { catalog, library }: Pick<Ports, "catalog" | "library">,
): RemovalFacts {
  const failed = sessions.flatMap(({ id }) => catalog.failedFiles(id)).map(displayPath);
  // Nothing was opened for a card whose files were all known a moment ago.
  const isKnown = sessions.length === 0 && isSameListing;
  return {
    isSameListing,
    foundFiles: files.length,
    keptFiles: isKnown ? files.length : keptOf(files, volume, catalog).length,
    failed: [...new Set([...failed, ...refused.map(({ path }) => displayPath(path))])],
    // Until somebody asks for it.
    unmount: "not-ours",
    proof: library.proof(),
  };
}

/** Reads every kept file of a card a second time, after everything on it is safe. */
export async function sourceAgain(
  volume: Volume,
  files: readonly CardFile[],
  session: Session,
  readers: number,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<ReadAgain> {
  const kept = keptOf(files, volume, ports.catalog);
  return readAgain(kept, volume, session, readers, ports, report, signal);
}
