import { setTimeout as delay } from "node:timers/promises";
import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { doorbell } from "../flow/doorbell.ts";
import { isCard } from "./candidates.ts";
import type { Drive } from "./drives.ts";
import { openDrives } from "./drives.ts";
import { openHints } from "./hints.ts";
import { identifyRoot } from "./identify-volume.ts";
import { readMounts } from "./mounts.ts";
import type { Peek, PeekRequest } from "./peek-task.ts";
import type { Place } from "./places.ts";
import { openPlaces } from "./places.ts";
import { isInReader, mediumOf } from "./presence.ts";
import { openStaleMounts } from "./stale-mounts.ts";

export interface CardEvent {
  /** `unmounted` is still in its reader: `removed` follows when it is not, unless it is inserted, which is mounted, again. */
  readonly kind: "inserted" | "unmounted" | "removed";
  readonly volume: Volume;
  /** What it is read with: cards of one reader are read one after the other. */
  readonly reader: string;
  /** Somebody has mounted it so that it can be written to. */
  readonly isWritable: boolean;
}

interface WatchOptions {
  /** Folders below which cards are mounted, like `/media`; one that is missing may come later. */
  readonly mountRoots: readonly string[];
  /** Volumes of these labels are cards whatever is on them. */
  readonly labels: readonly string[];
  /** Paths that we write to: what holds one, or lies in one, is no card, nor is anything else on its disk. */
  readonly own: readonly string[];
  /** Runs `peek-task.ts` where a hung card harms nobody; `prepare` hears that it may be needed soon. */
  readonly peek: {
    run(request: PeekRequest, signal: AbortSignal): Promise<Peek>;
    prepare?(): void;
  };
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
  readonly listDrives?: () => Promise<Drive[] | null>;
  /** Tells when to look at once; without, the interval has to do. */
  readonly hints?: typeof openHints | null;
  /** Hears why something cannot be looked at, once for each reason; a plain folder may well be no card at all. */
  readonly onTrouble?: (failure: Failure, place: Pick<Place, "root" | "mount">) => void;
  /** Hears of each scan that came to its end, whose events were taken. */
  readonly onScan?: () => void;
}

/** A change of medium in a reader has no event, and the kernel itself looks for one every 2 s. */
const INTERVAL_MS = 2_000;
/**
 * Between the two looks that must be equal before a card is announced. A mount shows all of its files at once, so it is for what
 * is filled where it is, like a folder; what is written later is found when it is listed again, once all of it is kept.
 */
const SETTLE_MS = 250;
/** Until a card that could not be looked at is tried again: it may have been a bad contact, or it will never answer. */
const RETRY_MS = 30_000;
/** Mounts and devices come in bursts; a scan takes a few milliseconds, and so does what the kernel and udev do after a hint. */
const BREATH_MS = 50;

/** What is known of a place. */
interface Sight {
  place: Place;
  /** `other` is no card; `announced` was told to the caller. */
  state: "unsettled" | "looking" | "card" | "announced" | "other";
  digest: string | null;
  /** When to look again, on the clock of `performance.now`. */
  dueMs: number;
  volume: Volume | null;
  /** Why it could not be looked at, as it was told. */
  trouble: string | null;
}

/**
 * Tells which cards are here, one event for each insertion and removal, those already present first; ends when the signal
 * aborts. A scan every two seconds is the truth; a hint only brings it forward. A card is announced once two looks at it were
 * equal.
 */
export async function* watchCards(options: WatchOptions): AsyncGenerator<CardEvent> {
  const { mountRoots, labels, own, peek, signal, intervalMs = INTERVAL_MS } = options;
  const { listDrives = openDrives(), hints = openHints } = options;
  const bell = doorbell();
  const sights = new Map<string, Sight>();
  /** Told to be unmounted, and in their readers at that time. */
  const unmounted = new Set<Sight>();
  let drives: Drive[] | null = null;
  let lastMounts = "";
  /** A bug met in the background, thrown where the caller sees it. */
  let bug: { readonly error: unknown } | null = null;

  const findPlaces = openPlaces(mountRoots, own);
  const stale = openStaleMounts();
  const hinting = hints?.({
    mountRoots,
    onHint(target) {
      if (target !== null) stale.changed(target);
      bell.ring();
    },
    // From a device to its mount takes long enough to start a process.
    onDevice: () => peek.prepare?.(),
  });
  try {
    while (!signal.aborted) {
      yield* await scan();
      options.onScan?.();
      await rest();
    }
  } finally {
    await hinting?.close();
  }

  async function scan(): Promise<CardEvent[]> {
    if (bug !== null) throw bug.error;
    const mounts = await readMounts();
    askDrivesAfter(mounts.map(({ id, target }) => `${id} ${target}`).join("\n"));
    const places = stale.without(await findPlaces(mounts, drives));
    const events = await forgetAllBut(new Set(places.map(({ key }) => key)));
    for (const place of places) {
      const sight = notice(place);
      if (sight.state === "unsettled" && performance.now() >= sight.dueMs) void look(sight);
      if (sight.state === "card" && sight.volume !== null) {
        sight.state = "announced";
        for (const other of unmounted) if (isSameMedium(other.place, place)) unmounted.delete(other);
        events.push({ kind: "inserted", volume: sight.volume, ...partOf(place) });
      }
    }
    return events;
  }

  async function forgetAllBut(present: ReadonlySet<string>): Promise<CardEvent[]> {
    const events: CardEvent[] = [];
    const tell = (kind: CardEvent["kind"], { volume, place }: Sight) => {
      if (volume !== null) events.push({ kind, volume, ...partOf(place) });
    };
    for (const sight of unmounted) {
      if (await isStillIn(sight)) continue;
      unmounted.delete(sight);
      tell("removed", sight);
    }
    for (const [key, sight] of sights) {
      if (present.has(key)) continue;
      sights.delete(key);
      if (sight.state !== "announced") continue;
      const isStill = await isStillIn(sight);
      if (isStill) unmounted.add(sight);
      tell(isStill ? "unmounted" : "removed", sight);
    }
    return events;
  }

  function notice(place: Place): Sight {
    const known = sights.get(place.key);
    if (known === undefined) {
      const sight: Sight = { place, state: "unsettled", digest: null, dueMs: 0, volume: null, trouble: null };
      sights.set(place.key, sight);
      return sight;
    }
    if (known.state === "other" && known.place.revision !== place.revision)
      Object.assign(known, { state: "unsettled", dueMs: 0 });
    known.place = place;
    return known;
  }

  /** Looks in the background, so that a hung card delays no news of another one. */
  async function look(sight: Sight): Promise<void> {
    sight.state = "looking";
    const { root, revision } = sight.place;
    const medium = await mediumOf(root);
    try {
      const { digest, topFolders } = await peek.run({ root, medium }, signal);
      const isSettled = digest === sight.digest;
      sight.digest = digest;
      if (!isSettled) return settleLater(sight, SETTLE_MS);
      sight.volume = await identifyRoot(root);
      if (isCard(topFolders, sight.volume.label, labels)) sight.state = "card";
      // A folder that changed while it was looked at has to be looked at again.
      else if (sight.place.revision === revision) sight.state = "other";
      else settleLater(sight, SETTLE_MS);
    } catch (error) {
      settleLater(sight, RETRY_MS);
      if (signal.aborted) return;
      if (!(error instanceof Failure)) bug = { error };
      // What is pulled while it is looked at fails in many ways.
      else if (medium === (await mediumOf(root))) complain(sight, error);
    } finally {
      bell.ring();
    }
  }

  function complain(sight: Sight, error: Failure): void {
    if (error.code === "card-missing" || error.code === "card-removed") return;
    const { root } = sight.place;
    const failure =
      error.code === "worker-late"
        ? new Failure("card-unresponsive", `The card at ${root} does not respond.`, { cause: error })
        : error;
    if (failure.message === sight.trouble) return;
    sight.trouble = failure.message;
    options.onTrouble?.(failure, sight.place);
  }

  function settleLater(sight: Sight, afterMs: number): void {
    Object.assign(sight, { state: "unsettled", dueMs: performance.now() + afterMs });
  }

  /** drivelist costs a process, and hangs with a sick card: asked when the mounts changed, and never waited for. */
  function askDrivesAfter(mounts: string): void {
    if (mounts === lastMounts) return;
    lastMounts = mounts;
    void listDrives().then((answer) => {
      if (answer === null) return;
      drives = answer;
      bell.ring();
    });
  }

  /** Until the next scan: the next look that is due, the interval at most, or sooner when the bell rings. */
  async function rest(): Promise<void> {
    const dueMs = [...sights.values()].flatMap((sight) => (sight.state === "unsettled" ? sight.dueMs : []));
    const untilMs = Math.min(...dueMs, performance.now() + intervalMs);
    try {
      await delay(BREATH_MS, undefined, { signal });
      const timer = setTimeout(bell.ring, Math.max(0, Math.ceil(untilMs - performance.now())));
      await bell.wait(signal).finally(() => clearTimeout(timer));
    } catch {
      // The signal aborted, and the loop sees that itself.
    }
  }
}

/** A card that was unmounted can be told from one that was taken out only when it is on a disk. */
async function isStillIn({ place }: Sight): Promise<boolean> {
  return place.mount !== null && isInReader(place.mount);
}

function isSameMedium({ mount: one }: Place, { mount: other }: Place): boolean {
  return one !== null && one.source === other?.source && one.sequence === other.sequence;
}

function partOf({ reader, isWritable }: Place): Pick<CardEvent, "reader" | "isWritable"> {
  return { reader, isWritable };
}
