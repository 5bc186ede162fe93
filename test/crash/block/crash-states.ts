import { randomInt } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, rm } from "node:fs/promises";
import { run } from "../../support/mount.ts";
import type { LogEntry } from "./write-log.ts";
import { SECTOR_BYTES } from "./write-log.ts";

/** What a disk may make of the writes it was sent after the last flush: it owes none of them. */
const FATES = ["all", "none", "some", "torn"] as const;
type Fate = (typeof FATES)[number];

export interface CrashState {
  /** How many entries of the log had been sent. */
  readonly sent: number;
  readonly fate: Fate;
}

/**
 * Crashes in the order of the log. Half of them at any entry, half right after something was acknowledged, given as sizes
 * of the log: what nobody has synced until then, a later sync has not saved yet.
 */
export function crashStates(entries: readonly LogEntry[], acknowledgedAt: readonly number[], count: number) {
  const states = Array.from({ length: count }, (_, index): CrashState => {
    const fate = FATES[index % FATES.length] ?? "all";
    const at = acknowledgedAt[randomInt(Math.max(1, acknowledgedAt.length))];
    if (randomInt(2) === 0 || at === undefined) return { sent: randomInt(1, entries.length + 1), fate };
    const sent = entries.findIndex(({ endOffset }) => endOffset >= at) + 1;
    return { sent: sent === 0 ? entries.length : sent, fate };
  });
  return states.toSorted((a, b) => a.sent - b.sent);
}

/** Makes one image after the other of what a disk has after crashes; they have to come in the order of the log. */
export async function openCrashes(before: string, log: string, entries: readonly LogEntry[]) {
  const safe = `${before}.safe`;
  run("cp", "--sparse=always", before, safe);
  const [writes, disk] = [await open(log, "r"), await open(safe, "r+")];
  let done = 0;
  return {
    /** Writes the image of a crash into a new file. */
    async make(image: string, { sent, fate }: CrashState): Promise<void> {
      const flushed = entries.findLastIndex(({ isFlush }, index) => isFlush && index < sent) + 1;
      for (; done < flushed; done++)
        for (const piece of piecesOf(entries[done])) await copy(writes, piece, disk);
      run("cp", "--sparse=always", safe, image);
      const crashed = await open(image, "r+");
      try {
        for (const entry of entries.slice(flushed, sent))
          for (const piece of survivors(entry, fate)) await copy(writes, piece, crashed);
      } finally {
        await crashed.close();
      }
    },
    async close(): Promise<void> {
      await writes.close();
      await disk.close();
      await rm(safe);
    },
  };
}

type Piece = Pick<LogEntry, "diskOffset" | "logOffset" | "sizeBytes">;

function survivors(entry: LogEntry, fate: Fate): readonly Piece[] {
  if (fate === "none") return [];
  if (fate === "torn") return piecesOf(entry, SECTOR_BYTES).filter(() => randomInt(2) === 0);
  return fate === "all" || randomInt(2) === 0 ? piecesOf(entry) : [];
}

/** Large enough to be quick, small enough for one buffer. */
const COPY_BYTES = 1024 * 1024;

function piecesOf(entry: Piece | undefined, pieceBytes = COPY_BYTES): Piece[] {
  const pieces: Piece[] = [];
  if (entry === undefined) return pieces;
  for (let at = 0; at < entry.sizeBytes; at += pieceBytes)
    pieces.push({
      diskOffset: entry.diskOffset + at,
      logOffset: entry.logOffset + at,
      sizeBytes: Math.min(pieceBytes, entry.sizeBytes - at),
    });
  return pieces;
}

const buffer = Buffer.alloc(COPY_BYTES);

async function copy(
  log: FileHandle,
  { diskOffset, logOffset, sizeBytes }: Piece,
  disk: FileHandle,
): Promise<void> {
  await log.read(buffer, 0, sizeBytes, logOffset);
  await disk.write(buffer, 0, sizeBytes, diskOffset);
}
