import type { Volume } from "../domain/card.ts";
import { displayPath, pathKey } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import { keys, sessionFolder } from "../domain/layout.ts";
import { receiptJson, receiptText } from "../domain/receipt.ts";
import type { CopyPlace, FormatFacts, Verdict } from "../domain/safety.ts";
import { doubtsOfFormat } from "../domain/safety.ts";
import type { Offloaded } from "./offload.ts";
import type { Original, Ports } from "./ports.ts";
import { keptOf } from "./read-again.ts";

/** What can be said of a card once its second copies are made. */
export interface Certificate {
  /** What stands against formatting it; `null` when nobody asked for what that needs. */
  readonly format: Verdict | null;
  /** Why the second disk does not have everything of it. */
  readonly uncopied: Failure | null;
  /** Folder of the receipt, below the library's root; `null` when there is none. */
  readonly receipt: string | null;
}

/**
 * Says what is safe to do with a card, from what is on the disks at this moment, and writes that down as a receipt in the
 * folder of its newest session. Waits for the second copies of what is on the card; rejects when the signal aborts.
 */
export async function certify(
  volume: Volume,
  offloaded: Offloaded,
  ports: Ports,
  signal: AbortSignal,
): Promise<Certificate> {
  const { catalog, library, second } = ports;
  const { sessions, removal, source, different, files } = offloaded;
  if (files === null || (second === null && source === "not-read"))
    return { format: null, uncopied: null, receipt: null };
  const kept = keptOf(files, volume, catalog);
  const hashes = kept.map(({ hash }) => hash);
  const uncopied = (await second?.copied(hashes, signal)) ?? null;
  signal.throwIfAborted();

  const lines = [];
  for (const { file, hash } of kept) {
    // It may have rotted while its second copy was waited for; then it is nowhere, and the card must say so.
    const original = catalog.original(hash);
    const places = original === null ? [] : await placesOf({ hash, ...original }, ports, signal);
    const isSameAgain = source === "not-read" ? null : !different.has(pathKey(file.path));
    const { sizeBytes } = file;
    lines.push({
      name: displayPath(file.path),
      sizeBytes,
      sha256: hash,
      path: original?.path ?? null,
      places,
      isSameAgain,
    });
  }
  signal.throwIfAborted();
  const facts: FormatFacts = { ...removal, source, originals: lines };
  const format = doubtsOfFormat(facts);
  const session = sessions.at(-1) ?? catalog.lastSession(volume.id);
  // A look at a known card proves less than the receipt that is there.
  const isNews = sessions.length > 0 || source !== "not-read";
  if (session === null || !isNews) return { format, uncopied, receipt: null };

  const receipt = {
    card: volume.label,
    session: session.name,
    writtenMs: Date.now(),
    files: lines,
    troubles: [...catalog.troubles(session.id), ...offloaded.refused],
    removal,
    format,
  };
  const folder = sessionFolder(session);
  await library.writeReceipt(folder, receiptJson(receipt), receiptText(receipt));
  return { format, uncopied, receipt: folder };
}

/** Where a proved copy is, seen there now: a row says only that it was. A bucket that holds originals is one more place, a folder of the library is not. */
async function placesOf(
  original: Original,
  { catalog, library, second, store }: Ports,
  signal: AbortSignal,
): Promise<CopyPlace[]> {
  const places: CopyPlace[] = [];
  const isProved = library.proof() === "cold";
  if (isProved && (await library.holds(original.path, original.sizeBytes))) places.push("library");
  if (second !== null && (await isThere(second.holds(original)))) places.push("second disk");
  if (!store.isOffsite) return places;
  const { hash, path, sizeBytes } = original;
  const key = keys.original(hash, path);
  const inBucket = async () => {
    const found = await store.has(key, signal);
    return found?.sizeBytes === sizeBytes && found.sha256 === hash;
  };
  if (catalog.objectHash(key) === hash && (await isThere(inBucket()))) places.push("bucket");
  return places;
}

/** A disk that cannot be asked holds nothing that could be relied on. */
async function isThere(answer: Promise<boolean>): Promise<boolean> {
  try {
    return await answer;
  } catch (error) {
    if (Failure.is(error, "session")) return false;
    throw error;
  }
}
