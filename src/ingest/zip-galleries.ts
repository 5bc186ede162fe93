import { Failure } from "../domain/failure.ts";
import type { Session } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { inTurn } from "./in-turn.ts";
import type { Ports } from "./ports.ts";
import { publish } from "./publish.ts";
import type { Report } from "./report.ts";
import { zipObject } from "./zip-object.ts";

export interface ZipOptions {
  readonly title: string;
  /** What zips must leave free on the library's disk; `null` when they go elsewhere. */
  readonly zipReserveBytes: number | null;
}

/**
 * Puts the zips of complete galleries into the store and their links into the galleries: the last thing there is to do, since it
 * sends every picture a second time. One gallery without holds up no other. Returns the gravest failure.
 */
export async function zipGalleries(
  options: ZipOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  return inTurn(ports.catalog.unzipped(), (session) => zipGallery(session, options, ports, report, signal));
}

async function zipGallery(
  session: Session,
  { title, zipReserveBytes }: ZipOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, galleries, library, store } = ports;
  const zips = galleries.zips(session, tiles(catalog.delivered(session.id)).items);
  // No page names those of an earlier list any more: the gallery was published since.
  const current = new Set(zips.map(({ key }) => key));
  for (const key of catalog.zipKeys(session.id)) if (!current.has(key)) await remove(key, ports, signal);

  const missing = zips.filter(({ key }) => catalog.objectHash(key) === null);
  const bytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (zipReserveBytes !== null && bytes > 0 && (await library.freeBytes()) - bytes < zipReserveBytes) {
    report({ kind: "zips-put-off", session, bytes });
    return;
  }
  if (bytes > 0) report({ kind: "zipping", session, zips: missing.length, bytes });
  for (const zip of missing) {
    const object = await zipObject(session, zip, ports, signal);
    catalog.claimZip(session.id, zip.key);
    await store.put(object, signal);
    catalog.recordObjects([object]);
  }
  await publish(session, "complete", title, ports, signal);
  catalog.markZipped(session.id);
}

/** A box that may not delete leaves it: nothing links to it, and it goes with its gallery. */
async function remove(key: string, { catalog, store }: Ports, signal: AbortSignal): Promise<void> {
  try {
    await store.deletePrefix(key, signal);
  } catch (error) {
    if (!Failure.is(error) || !["remote-refused", "remote-unfit"].includes(error.code)) throw error;
    return;
  }
  catalog.dropZip(key);
}
