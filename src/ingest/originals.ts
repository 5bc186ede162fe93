import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import type { Ports } from "./ports.ts";
import type { Report } from "./report.ts";
import { runStep } from "./step.ts";

export interface OriginalsOptions {
  readonly originals: "none" | "raw" | "all";
  /** Files uploaded at once. */
  readonly uploads: number;
}

const PAGE = 64;
/** Four streams fill any uplink; each large one holds some 40 MiB. */
const AT_ONCE = 4;

type Absent = ReturnType<Ports["catalog"]["absentOriginals"]>[number];

/**
 * Brings originals to the store, each content once, whoever puts it. Meant to run when every gallery is complete: what guests wait for
 * is never behind a video. One that cannot be read holds up no other. Returns what stopped it, or the first that could not be read.
 */
export async function deliverOriginals(
  { originals: which, uploads }: OriginalsOptions,
  ports: Pick<Ports, "catalog" | "library" | "store">,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  if (which === "none") return null;
  const { catalog } = ports;
  const unread = new Map<string, Failure>();
  try {
    for (;;) {
      const page = catalog.absentOriginals(which, PAGE + unread.size).filter(({ hash }) => !unread.has(hash));
      if (page.length === 0) return unread.values().next().value ?? null;
      await runStep<Absent, NewObject | null>({
        from: page,
        concurrency: Math.min(uploads, AT_ONCE),
        bytesOf: (object) => object?.sizeBytes ?? 0,
        run: async (original) => {
          signal.throwIfAborted();
          try {
            return await bring(original, ports, signal);
          } catch (error) {
            if (!Failure.is(error) || !isOfThisFile(error)) throw error;
            unread.set(original.hash, error);
            return null;
          }
        },
        commit: (batch) => {
          const there = batch.filter((object) => object !== null);
          catalog.recordObjects(there);
          const { chosen, absent } = catalog.countOriginals(which);
          report({ kind: "originals", uploaded: chosen - absent, total: chosen });
        },
      });
    }
  } catch (error) {
    if (Failure.is(error, "session")) return error;
    throw error;
  }
}

/** On return the store has it: put now, or found there with this size and hash. */
async function bring(
  { hash, path, sizeBytes, contentType }: Absent,
  { library, store }: Pick<Ports, "library" | "store">,
  signal: AbortSignal,
): Promise<NewObject> {
  const object: NewObject = {
    key: keys.original(hash, path),
    body: { file: library.fileOf(path) },
    sizeBytes,
    sha256: hash,
    contentType,
    cacheControl: CACHE_FOREVER,
    isFinal: true,
  };
  const found = await store.has(object.key, signal);
  if (found?.sizeBytes !== sizeBytes || found.sha256 !== hash) await store.put(object, signal);
  return object;
}

/** It is missing, unreadable, or no longer as it was kept: `verify` says more, and the others go on. */
function isOfThisFile({ code }: Failure): boolean {
  return code === "remote-corrupt" || code === "disk-unwritable";
}
