import type { InventoryRequest } from "../card/inventory-task.ts";
import type { PackedInventory } from "../card/packed-inventory.ts";
import type { Peek, PeekRequest } from "../card/peek-task.ts";
import type { CardFileRequest } from "../library/card-file.ts";
import type { ColdHash } from "../library/cold-hash.ts";
import type { HeadsRequest } from "../library/head-task.ts";
import type { CopyReply, CopyRequest } from "../library/task.ts";
import { openLanes } from "../workers/lanes.ts";

interface CardWorkersOptions {
  /** Files read from one card at once. */
  readonly threads: number;
  readonly env: Readonly<Record<string, string>>;
  /** Hears that the card below a folder has not responded for a while, and when it does again. */
  readonly onSilence: (root: string, isSilent: boolean) => void;
}

/** A reader slower than this is broken, and its file is put off. */
const SLOWEST_BYTES_PER_MS = 100;
/** A card that spins up, or repeats a bad spot before it gives up on it, may take this long for nothing. */
const PATIENCE_MS = 120_000;
/** A look at a few folders; a card that takes longer does not answer. */
const PEEK_MS = 30_000;
/** Even old cards give 2 MB/s, and a healthy one begins within a second: after this a person is told, and nothing else happens. */
const USUAL_BYTES_PER_MS = 2_000;
const USUAL_MS = 10_000;

/** How long a file may take before whoever reads it is ended. */
export const patienceFor = ({ sizeBytes }: { readonly sizeBytes: number }) =>
  PATIENCE_MS + sizeBytes / SLOWEST_BYTES_PER_MS;

const task = (path: string) => new URL(`../${path}`, import.meta.url);

/** Reads cards, each in a process of its own, so that one that hangs holds up no other. */
export function openCardWorkers({ threads, env, onSilence }: CardWorkersOptions) {
  const lanes = openLanes({
    threads,
    env,
    onSilence: (lane, isSilent) => onSilence(lane.slice(0, lane.lastIndexOf("\n")), isSilent),
  });
  // What is read through another mount, or from another medium, is another card.
  const lane = ({ root, medium }: { root: string; medium?: string | undefined }) => `${root}\n${medium}`;
  const usually = { lane, usualMs: () => USUAL_MS };
  const forFile = {
    lane,
    deadlineMs: patienceFor,
    usualMs: ({ sizeBytes }: CardFileRequest) => USUAL_MS + sizeBytes / USUAL_BYTES_PER_MS,
  };
  return {
    peek: lanes.task<PeekRequest, Peek>(task("card/peek-task.ts"), { ...usually, deadlineMs: PEEK_MS }),
    list: lanes.task<InventoryRequest, PackedInventory | null>(task("card/inventory-task.ts"), {
      ...usually,
      deadlineMs: PATIENCE_MS,
    }),
    heads: lanes.task<HeadsRequest, (string | null)[]>(task("library/head-task.ts"), {
      ...usually,
      deadlineMs: PATIENCE_MS,
    }),
    copy: lanes.task<CopyRequest, CopyReply>(task("library/task.ts"), forFile),
    reread: lanes.task<CardFileRequest, ColdHash>(task("library/reread-task.ts"), forFile),
    close: lanes.close,
  };
}
