import { setTimeout as delay } from "node:timers/promises";
import { bytesInWords } from "../domain/amounts.ts";
import type { CardFile, RefusedEntry, Volume } from "../domain/card.ts";
import { displayPath } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import { originalPath, sessionFolder } from "../domain/layout.ts";
import { mediaByName } from "../domain/media.ts";
import type { Session } from "../domain/session.ts";
import { assertAddsUp } from "../domain/session.ts";
import { openGrace } from "./grace.ts";
import { openLooseCopies } from "./loose-copies.ts";
import type { OffloadOptions } from "./offload-options.ts";
import type { Ports, ProvedCopy, Settled, TrackedFile } from "./ports.ts";
import { readSuspects } from "./read-again.ts";
import type { Report } from "./report.ts";
import { openListener } from "./silence.ts";
import { runStep } from "./step.ts";

/**
 * So long a card that was pulled from its reader may still seem to be in: reads fail, and the kernel looks for it every two seconds
 * (`events_dfl_poll_msecs`). Waited only before a file is given up.
 */
const NOTICE_MS = 3_000;

/** About what one picture's renditions take: 0.5–0.8 MB for a share of 2048 pixels and its thumb. */
const RENDITIONS_BYTES = 1024 * 1024;

/**
 * Keeps these files of a card in one session, beside what is left of it from before: each read once, proved, named, and
 * acknowledged in batches; what cannot be read is tried again last and then named as failed. On return the session is offloaded and its manifest is written.
 */
export async function keepAll(
  session: Session,
  volume: Volume,
  fresh: readonly CardFile[],
  refused: readonly RefusedEntry[],
  options: OffloadOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { cards, catalog, library } = ports;
  catalog.stopped(session.id, null);
  catalog.find(session.id, fresh);
  catalog.refuse(session.id, refused);
  report({ kind: "session", session });
  const pending = catalog.pending(session.id);
  const space = await library.alone(async () => spaceFor(pending, options.reserveBytes, library));
  const listen = openListener(volume);
  const grace = openGrace(signal);
  const copies = openLooseCopies(library, grace.signal);
  const folder = sessionFolder(session);
  const troubled: TrackedFile[] = [];
  try {
    // Before the first file: the link to its gallery goes out while files still come, and must outlive the catalog.
    await library.writeRecord(folder, catalog.record(session));
    await keep(pending, (file) => troubled.push(file));
    await keep(troubled, null);
  } finally {
    grace.close();
    await copies.close();
    space.release();
  }
  if (!options.verifySource) await readSuspects(session, volume, options.readers, ports, report, signal);
  assertAddsUp(catalog.tally(session.id));
  await library.writeManifest(folder, catalog.manifest(session));
  await library.writeRecord(folder, catalog.record({ ...session, isOffloaded: true }));
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
      signal,
      bytesOf: (outcome) => outcome?.file.sizeBytes ?? 0,
      run: async (file) => {
        try {
          const copy = await listen(async () => copies.make(volume, file));
          return { to: "stored", file, copy, path: originalPath(session, file.path) };
        } catch (error) {
          if (!Failure.is(error, "file")) throw error;
          // A pulled card fails file by file; it is not the files that are bad.
          await cards.assertPresent(volume);
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
        // A card that was swapped below its mount gives bytes of the other one without an error.
        await cards.assertPresent(volume);
        const settled: Settled[] = [];
        // Another card may bring the same content at this moment.
        await library.alone(async () => {
          for (const outcome of batch) {
            if (outcome === null) continue;
            settled.push(await nameIt(outcome, inBatch, ports));
            if (outcome.to === "stored") copies.settled(outcome.copy);
          }
          await library.sync(settled.flatMap((outcome) => (outcome.to === "stored" ? [outcome.path] : [])));
          await assertPlaced(settled, library);
          catalog.settle(session, settled);
        });
        space.used(settled.reduce((sum, { file }) => sum + file.sizeBytes, 0));
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

/**
 * Sets aside what the files will take up: checked before the first byte, so that a card is not left half copied because of
 * something that could be known. Throws `disk-full`.
 */
async function spaceFor(
  files: readonly CardFile[],
  reserveBytes: number,
  library: Ports["library"],
): Promise<ReturnType<Ports["library"]["setAside"]>> {
  const pictures = files.filter(({ path }) => mediaByName(displayPath(path)).kind === "picture").length;
  const copyBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const takenBytes = copyBytes + pictures * RENDITIONS_BYTES;
  const needBytes = takenBytes + reserveBytes;
  const freeBytes = await library.freeBytes();
  if (files.length === 0 || freeBytes >= needBytes) return library.setAside(takenBytes);
  throw new Failure(
    "disk-full",
    `The card needs ${bytesInWords(needBytes)} on the library's disk (with ${bytesInWords(reserveBytes)} kept in reserve), ${bytesInWords(freeBytes)} are free.`,
  );
}
