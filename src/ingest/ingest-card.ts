import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { Session } from "../domain/session.ts";
import { doorbell } from "../flow/doorbell.ts";
import type { DeliverOptions, Feed } from "./deliver.ts";
import { deliver } from "./deliver.ts";
import type { Offloaded, OffloadOptions } from "./offload.ts";
import { offload } from "./offload.ts";
import type { Ports } from "./ports.ts";
import type { Report } from "./report.ts";

export interface IngestOptions extends OffloadOptions, DeliverOptions {}

export interface Ingested {
  readonly offloaded: Offloaded;
  /** Why pictures have not reached their guests; the originals are kept all the same. */
  readonly undelivered: Failure | null;
}

/**
 * One card, from plugging in to the gallery: offload and delivery run side by side, and neither waits for the other's
 * failure. Throws what stopped the offload, after what was kept until then has been delivered.
 */
export async function ingestCard(
  volume: Volume,
  options: IngestOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Ingested> {
  let open: OpenFeed | null = null;
  let deliveries: Promise<Failure | null> = Promise.resolve(null);
  const close = (isWhole: boolean) => {
    open?.end(isWhole);
    open = null;
  };

  const offloading = offload(
    volume,
    options,
    ports,
    (told) => {
      report(told);
      if (told.kind === "settled") open?.bell.ring();
      if (told.kind !== "session") return;
      close(true);
      const feed = openFeed();
      open = feed;
      deliveries = deliveries.then(
        async (before) => before ?? (await delivered(told.session, feed, options, ports, report, signal)),
      );
      // Awaited below; until then a rejection must not end the process before the offload is done.
      deliveries.catch(() => undefined);
    },
    signal,
  );
  try {
    const offloaded = await offloading;
    close(true);
    report({ kind: "offloaded" });
    return { offloaded, undelivered: await deliveries };
  } catch (error) {
    close(false);
    await deliveries.catch(() => undefined);
    throw error;
  }
}

/** Delivers what earlier runs have kept and could not deliver. Returns the first failure that stopped it. */
export async function deliverRest(
  options: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  for (const session of ports.catalog.undelivered()) {
    const feed = openFeed();
    feed.end(session.isOffloaded);
    const failure = await delivered(session, feed, options, ports, report, signal);
    if (failure !== null) return failure;
  }
  return null;
}

async function delivered(
  session: Session,
  feed: Feed,
  options: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  try {
    await deliver(session, feed, options, ports, report, signal);
    return null;
  } catch (error) {
    if (Failure.is(error, "session")) return error;
    throw error;
  }
}

interface OpenFeed extends Feed {
  end(isWhole: boolean): void;
}

function openFeed(): OpenFeed {
  const bell = doorbell();
  let [isOver, isWhole] = [false, false];
  return {
    bell,
    isOver: () => isOver,
    isWhole: () => isWhole,
    end(whole) {
      isOver = true;
      isWhole = whole;
      bell.ring();
    },
  };
}
