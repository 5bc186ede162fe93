import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { Failure } from "../domain/failure.ts";
import { FINDINGS } from "../domain/finding.ts";
import { verify } from "../ingest/verify.ts";
import type { House } from "./house.ts";
import type { Logger } from "./log.ts";

/** With one round a day, or at each start, every original is read in thirty of them. */
const SHARE = 30;
const DAY_MS = 86_400_000;

/** A moment in the life of this machine, told without a clock: a Pi may wake up in any year. */
interface Moment {
  /** Which start of the machine. */
  readonly boot: string;
  readonly uptimeSeconds: number;
}

/** What the daemon does for a library beside its cards. `now` counts milliseconds and never jumps. */
export function openUpkeep(
  { care, catalog, options, announcer, backUp, lastBackUpMs, sweepStore }: House,
  log: Logger,
  now: () => number = () => performance.now(),
  moment: () => Moment = momentNow,
) {
  let backedUpMs = Number.NEGATIVE_INFINITY;
  let backingUp: Promise<void> | null = null;

  async function backUpNow(): Promise<void> {
    try {
      log.info({ path: await backUp() }, "catalog backed up");
      backedUpMs = now();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      log.error({ code: error.code, hint: error.policy.hint }, error.message);
    } finally {
      backingUp = null;
    }
  }

  const upkeep = {
    /**
     * Does a round if one is due: once for each start of the machine, so that a box that is on for an evening now and then gets
     * round in a month of evenings, and once for each day that it is up.
     */
    async round(signal: AbortSignal): Promise<void> {
      if (!isDue(catalog.lastRound(), moment())) return;
      await upkeep.scrub(signal);
      await upkeep.sweep(signal);
      catalog.roundDone(moment());
    },

    /** Reads a share of the originals back, and says loudly what has rotted. Repairs nothing: that is for a person to ask. */
    async scrub(signal: AbortSignal): Promise<void> {
      const sharing = { share: SHARE, isRepairing: false, readers: options.readers };
      const { cold, cached, unread, rot } = await verify(sharing, care, () => {}, signal);
      log.info({ cold, cached, unread, rotten: rot.length }, "originals read back");
      for (const { path, finding } of rot)
        log.error({ original: path, finding }, "an original is not as it was kept");
      const [first] = rot;
      if (first === undefined) return;
      const others = rot.length > 1 ? ` ${rot.length - 1} more are not as they were kept either.` : "";
      const sentence = `${first.path}: ${FINDINGS[first.finding]}${others}`;
      announcer.trouble("the library", new Failure("original-rotten", sentence));
    },

    /** Takes back uploads that were never completed: they cost money and nobody sees them. What fails is left to the next time. */
    async sweep(signal: AbortSignal): Promise<void> {
      try {
        const uploads = await sweepStore(signal);
        if (uploads > 0) log.info({ uploads }, "unfinished uploads taken back");
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        log.debug({ code: error.code }, error.message);
      }
    },

    /**
     * Copies the catalog, at most once a day, however often the process is started: the copies that are kept are those of a
     * week. A copy that fails stops nothing: the catalog itself is there.
     */
    async backUpDaily(): Promise<void> {
      // One of the future was made by a wrong clock, or this one is wrong: it says nothing.
      const ageMs = Date.now() - (lastBackUpMs() ?? Number.NEGATIVE_INFINITY);
      if (now() - backedUpMs < DAY_MS || (ageMs >= 0 && ageMs < DAY_MS)) return;
      // Two cards may be done at the same moment.
      backingUp ??= backUpNow();
      await backingUp;
    },
  };
  return upkeep;
}

function isDue(last: Moment | null, { boot, uptimeSeconds }: Moment): boolean {
  return last === null || last.boot !== boot || (uptimeSeconds - last.uptimeSeconds) * 1000 >= DAY_MS;
}

function momentNow(): Moment {
  return { boot: bootId(), uptimeSeconds: Math.floor(uptime()) };
}

/** Drawn by the kernel at each start (random(4)); elsewhere each start of this process counts. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return ownId;
  }
}

const ownId = randomUUID();
