import { basename } from "node:path";
import { inspect } from "node:util";
import { watchDropFolder } from "../card/drop-folder.ts";
import type { CardEvent } from "../card/watcher.ts";
import { watchCards } from "../card/watcher.ts";
import type { Settings } from "../config/slices.ts";
import type { Volume } from "../domain/card.ts";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import { deliverAll, ingestCard } from "../ingest/ingest-card.ts";
import type { LateCertificates } from "../ingest/late-certificates.ts";
import { openLateCertificates } from "../ingest/late-certificates.ts";
import type { Report } from "../ingest/report.ts";
import type { Context } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import { rescanOf } from "./ingest.ts";
import type { Cuts } from "./intake.ts";
import { openIntake } from "./intake.ts";
import { openLinkKeeper } from "./keep-links.ts";
import type { Logger } from "./log.ts";
import type { Supervisor } from "./notify-systemd.ts";
import { ownPlaces } from "./own-places.ts";
import type { Next } from "./retry.ts";
import { openRetry } from "./retry.ts";
import { openRounds } from "./rounds.ts";
import { settler } from "./settle.ts";
import { openUpkeep } from "./upkeep.ts";
import { writingDown } from "./write-down.ts";

/** How often a second disk that was not there is looked for, and whether a card that lacked second copies has them. */
const RING_MS = 60_000;

/** Long enough after a card, or a start, that a stack of cards is through; and how often it is asked whether upkeep is due. */
const REST_MS = 180_000;
const LOOK_MS = 600_000;

/** A desktop's automounter, or a person. Nothing is written by us; the filesystem itself may note that it was mounted. */
const WRITABLE =
  "The card is mounted so that it can be written to. GhostRoll only reads it; to have cards mounted read-only, switch the automounter off.";

const CARD_IS = {
  inserted: "card inserted",
  unmounted: "card unmounted",
  removed: "card removed",
} as const satisfies Record<CardEvent["kind"], string>;

/** A card that failed for one of these has to be taken out first. */
const NEEDS_HANDS: ReadonlySet<FailureCode> = new Set(["card-removed", "card-unresponsive", "interrupted"]);

const MESSAGE_IS = { sent: "sent", refused: "given up", later: "waits", unsure: "in doubt" } as const;

/**
 * Takes in cards until the signal aborts. `onOpen` hears that these settings can be worked with; until then it throws what
 * `openHouse` throws.
 */
export async function keepWatch(
  settings: Settings,
  context: Pick<Context, "signal">,
  log: Logger,
  supervisor: Supervisor,
  onOpen: () => void,
): Promise<void> {
  const house = await openHouse(settings, {
    isServing: true,
    onSlip: (what, error) => log.error({ error }, what),
    onSecond: (sentence, failure) =>
      failure === null ? log.warn(sentence) : log.error({ code: failure.code }, sentence),
    onSilence(root, isSilent) {
      const sentence = isSilent
        ? `The card at ${root} does not respond. It is waited for, and holds up no other.`
        : `The card at ${root} responds again.`;
      log[isSilent ? "warn" : "info"]({ root }, sentence);
      supervisor.say(sentence);
    },
    onText: ({ kind, ...facts }) =>
      log[kind === "sent" ? "info" : kind === "refused" ? "error" : "warn"](
        facts,
        `message ${MESSAGE_IS[kind]}`,
      ),
  });
  try {
    onOpen();
    const { library, cards, store } = settings;
    log.info(
      { library: library.baseDir, cards: cards.mountRoots, bucket: store.bucket, web: house.web?.url },
      "waiting for cards",
    );
    const report = writingAlso(house.announcer.hear, log);
    const settle = settler(house, log);
    const upkeep = openUpkeep(house, log);
    const rounds = openRounds({
      async round(stopped) {
        await settle(null, async () => {
          await upkeep.round(AbortSignal.any([stopped, context.signal]));
          return null;
        });
      },
      firstMs: 0,
      everyMs: LOOK_MS,
      restMs: REST_MS,
    });
    const later = waiting(log);
    const retry = openRetry({
      async attempt(stopped) {
        const ends = AbortSignal.any([stopped, context.signal]);
        const failure = await settle(null, () => deliverAll(house.options, house.ports, report, ends));
        return later(failure) ?? "never";
      },
    });
    const certificates = openLateCertificates(house.ports, ({ label: card }, certificate) =>
      writingAlso(house.announcer.hear, log.child({ card }))({ kind: "certified", card, ...certificate }),
    );
    const rings = openRounds({
      async round(stopped) {
        house.ports.second?.ring();
        await settle(null, async () => {
          await certificates.askAgain(AbortSignal.any([stopped, context.signal]));
          return null;
        });
      },
      firstMs: RING_MS,
      everyMs: RING_MS,
    });
    const links = openLinkKeeper(
      house,
      (work) => settle(null, work),
      retry,
      store.expirySeconds,
      log,
      context.signal,
    );
    const release = (failure: Failure | null) => {
      rounds.release();
      links.release();
      // What earlier cards have left waits for no other one.
      retry.release(later(failure) ?? "at once");
    };
    house.ports.second?.ring();
    retry.release("at once");
    supervisor.say("Waiting for cards.");
    const reading = new Map<CardEvent, string>();
    const intake = openIntake({
      places: cards.atOnce,
      hold: async () => Promise.all([rounds.hold(), retry.hold(), links.hold()]),
      async take(event, cuts) {
        const { volume } = event;
        reading.set(event, volume.label);
        supervisor.say(`Reading ${[...reading.values()].join(", ")}.`);
        let isTaken = false;
        const failure = await settle(volume, async () => {
          const undelivered = await takeIn(house, settings, volume, log, context.signal, cuts, certificates);
          isTaken = true;
          return undelivered;
        });
        reading.delete(event);
        const rest = reading.size > 0 ? `Reading ${[...reading.values()].join(", ")}.` : "Waiting for cards.";
        supervisor.say(failure === null ? rest : `${failure.message} ${rest}`);
        if (isTaken) await upkeep.backUpDaily();
        release(failure);
        const mayPass = failure?.policy.retry === true && !NEEDS_HANDS.has(failure.code);
        return mayPass && !isTaken ? "later" : "never";
      },
    });
    const { folder, quietMs } = settings.drop;
    const dropping = folder === null ? null : follow(folder, quietMs);
    for await (const event of watchCards({
      ...cards,
      own: [...ownPlaces(settings), ...(folder === null ? [] : [folder])],
      peek: house.peek,
      signal: context.signal,
      onScan: supervisor.progressed,
      onTrouble(failure, { root, mount }) {
        const { code, policy, message } = failure;
        // A folder that nobody mounted may be no card: desktops keep one for each user there.
        const level = mount === null ? "warn" : "error";
        log[level]({ root, code, hint: policy.hint, cause: inspect(failure.cause) }, message);
        if (mount === null) return;
        supervisor.say(`${message} ${policy.hint}`);
        house.announcer.trouble(basename(root), failure);
      },
    })) {
      const { kind, volume, isWritable } = event;
      log.info({ card: volume.label, root: volume.root }, CARD_IS[kind]);
      if (kind !== "inserted") {
        intake.removed(event);
        if (kind === "unmounted") continue;
        certificates.removed(volume);
        house.announcer.removed(volume.label);
        continue;
      }
      if (isWritable) log.warn({ card: volume.label, root: volume.root }, WRITABLE);
      house.announcer.inserted(volume.label);
      certificates.inserted(volume);
      intake.inserted(event);
    }
    await dropping;
    await intake.close();
    await Promise.all([rounds.close(), rings.close(), links.close(), retry.close()]);

    /** A folder that files are dropped into is a reader of its own, and each burst a card. */
    async function follow(folder: string, quietMs: number): Promise<void> {
      const onTrouble = (error: unknown) => log.error({ error }, `The folder ${folder} cannot be watched.`);
      for await (const event of watchDropFolder({ folder, quietMs, onTrouble, signal: context.signal })) {
        log.info({ root: folder }, "files were dropped");
        intake.inserted(event);
      }
    }
  } finally {
    await house.close();
  }
}

/** Tells people and the log. */
function writingAlso(hear: Report, log: Logger): Report {
  const writeDown = writingDown(log);
  return (told) => {
    hear(told);
    writeDown(told);
  };
}

/** What a failure means for what is left: `null` when there was none. Says once that it waits. */
function waiting(log: Logger) {
  let isWaiting = false;
  return (failure: Failure | null): Next | null => {
    // What is wrong with a card says nothing of what waits besides.
    const mayPass = failure !== null && (failure.policy.retry || failure.policy.stops === "command");
    if (mayPass && !isWaiting && failure.code === "remote-unreachable") log.info("waiting for the network");
    isWaiting = mayPass;
    if (failure === null) return null;
    return mayPass ? "later" : "never";
  };
}

async function takeIn(
  house: House,
  settings: Settings,
  volume: Volume,
  log: Logger,
  signal: AbortSignal,
  cuts: Cuts,
  certificates: LateCertificates,
): Promise<Failure | null> {
  const { offloaded, certified, undelivered } = await ingestCard(
    volume,
    // A folder of this machine is no card that somebody could have swapped for its twin.
    {
      ...house.options,
      releases: true,
      ...(isDropped(volume) ? { rescan: rescanOf(settings, volume) } : {}),
    },
    house.ports,
    writingAlso(
      house.announcer.hearCard(isDropped(volume) ? null : volume.label),
      log.child({ card: volume.label }),
    ),
    signal,
    cuts,
  );
  const { foundFiles, knownFiles, sessions } = offloaded;
  const names = sessions.map(({ name }) => name);
  log.info({ card: volume.label, sessions: names, foundFiles, knownFiles }, "card taken in");
  for (const { id, name } of sessions)
    for (const trouble of house.ports.catalog.troubles(id))
      log.warn({ session: name, ...trouble }, "not all right");
  // The next card does not wait for the second disk: the verdict comes when it comes.
  certified.then(
    (certificate) => certificates.certified(volume, offloaded, certificate),
    (error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      if (error.code !== "interrupted") log.error({ card: volume.label, code: error.code }, error.message);
    },
  );
  return undelivered;
}

function isDropped({ onlyBeforeMs }: Volume): boolean {
  return onlyBeforeMs !== undefined;
}
