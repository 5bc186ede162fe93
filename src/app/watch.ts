import { inspect } from "node:util";
import { watchCards } from "../card/watcher.ts";
import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { deliverRest, ingestCard } from "../ingest/ingest-card.ts";
import type { Report, Told } from "../ingest/report.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import type { Logger } from "./log.ts";
import { openLog } from "./log.ts";

/** `ghostroll watch`: the daemon. Ends when it is asked to; returns the exit code. */
export async function watch(command: Extract<Command, { name: "watch" }>, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const { accessKeyId, secretAccessKey, sessionToken } = settings.store.credentials ?? {};
  const log = openLog({
    level: settings.log.level,
    secrets: [accessKeyId ?? null, secretAccessKey ?? null, sessionToken ?? null],
  });
  const house = await openHouse(settings, {
    isServing: true,
    onSlip: (what, error) => log.error({ error }, what),
  });
  try {
    const { library, cards, store } = settings;
    log.info(
      { library: library.baseDir, cards: cards.mountRoots, bucket: store.bucket, web: house.web?.url },
      "waiting for cards",
    );
    const report: Report = (told) => {
      house.announcer.hear(told);
      writeDown(told, log);
    };
    // One after the other: a second card waits for the first one's copy, and nothing of either is lost by that.
    const settle = settler(house, log);
    let work = settle(null, () => deliverRest(house.options, house.ports, report, context.signal));
    for await (const { kind, volume } of watchCards({ ...cards, peek: house.peek, signal: context.signal })) {
      log.info(
        { card: volume.label, root: volume.root },
        kind === "inserted" ? "card inserted" : "card removed",
      );
      if (kind === "removed") continue;
      house.announcer.inserted(volume.label);
      work = work.then(() => settle(volume, () => takeIn(house, volume, report, log, context.signal)));
    }
    await work;
    log.info("stopped");
    return 0;
  } finally {
    await house.close();
  }
}

async function takeIn(
  house: House,
  volume: Volume,
  report: Report,
  log: Logger,
  signal: AbortSignal,
): Promise<Failure | null> {
  const { offloaded, undelivered } = await ingestCard(volume, house.options, house.ports, report, signal);
  const { foundFiles, knownFiles, isRemovable, sessions } = offloaded;
  const names = sessions.map(({ name }) => name);
  log.info({ card: volume.label, sessions: names, foundFiles, knownFiles, isRemovable }, "card taken in");
  for (const { id, name } of sessions)
    for (const trouble of house.ports.catalog.troubles(id))
      log.warn({ session: name, ...trouble }, "not all right");
  return undelivered ?? (await deliverRest(house.options, house.ports, report, signal));
}

/** Logs what stopped one card, and goes on with the next; a bug ends the process, and systemd starts it again. */
function settler({ announcer }: House, log: Logger) {
  return async (volume: Volume | null, work: () => Promise<Failure | null>): Promise<void> => {
    try {
      const failure = await work();
      if (failure !== null) throw failure;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === "interrupted") return;
      const { code, policy, message } = error;
      log.error({ card: volume?.label, code, hint: policy.hint, cause: inspect(error.cause) }, message);
      if (volume !== null) announcer.trouble(volume.label, error);
    }
  };
}

function writeDown(told: Told, log: Logger): void {
  switch (told.kind) {
    case "settled":
      for (const outcome of told.outcomes)
        log.debug({ state: outcome.to, bytes: outcome.file.sizeBytes }, "file settled");
      break;
    case "published":
      if (told.isComplete)
        log.info({ session: told.session.name, tiles: told.tiles, link: told.link }, "gallery complete");
      else log.debug({ session: told.session.name, tiles: told.tiles }, "gallery grew");
      break;
    case "session":
      log.info({ session: told.session.name, card: told.session.label }, "session opened");
      break;
    case "listed":
      log.info({ files: told.files.length, fresh: told.fresh.length }, "card listed");
      break;
    case "sampled":
    case "offloaded":
    case "delivering":
    case "rendered":
    case "uploaded":
      break;
  }
}
