import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import { sessionFolder } from "../domain/layout.ts";
import { isRemovable } from "../domain/safety.ts";
import type { Session, SessionId } from "../domain/session.ts";
import { doorbell } from "../flow/doorbell.ts";
import type { Certificate } from "./certify.ts";
import { certify } from "./certify.ts";
import type { DeliverOptions, Feed } from "./deliver.ts";
import { deliver } from "./deliver.ts";
import { graver, inTurn, isOfTheStore } from "./in-turn.ts";
import type { Offloaded } from "./offload.ts";
import { offload } from "./offload.ts";
import type { OffloadOptions } from "./offload-options.ts";
import { oneAtFirst } from "./one-at-first.ts";
import type { OriginalsOptions } from "./originals.ts";
import { deliverOriginals } from "./originals.ts";
import type { Ports } from "./ports.ts";
import { isRevocation } from "./refuse-revoked.ts";
import type { Report } from "./report.ts";
import { takeDown } from "./take-down.ts";
import type { ZipOptions } from "./zip-galleries.ts";
import { zipGalleries } from "./zip-galleries.ts";

export interface IngestOptions extends OffloadOptions, DeliverOptions, OriginalsOptions, ZipOptions {
  /** Whether a card is unmounted when everything on it is kept: the daemon does, a person who named a folder did not ask. */
  readonly releases: boolean;
}

export interface Ingested {
  readonly offloaded: Offloaded;
  /** What can be said of the card once its second copies are made, which the gallery does not wait for. */
  readonly certified: Promise<Certificate>;
  /** Why pictures have not reached their guests; the originals are kept all the same. */
  readonly undelivered: Failure | null;
}

/**
 * One card, from plugging in to the gallery: offload and delivery run side by side, and neither waits for the other's
 * failure. Throws what stopped the offload, after what was kept until then has been delivered. When `gone` aborts, the card was
 * taken out. When `another` aborts, another card waits: once this one's offload is done its delivery is left for later, so that
 * a slow uplink never holds a card.
 */
export async function ingestCard(
  volume: Volume,
  options: IngestOptions,
  given: Ports,
  tell: Report,
  signal: AbortSignal,
  { gone = signal, another = signal }: { readonly gone?: AbortSignal; readonly another?: AbortSignal } = {},
): Promise<Ingested> {
  const { ports, report } = oneAtFirst(given, tell);
  const leave = new AbortController();
  const delivering = AbortSignal.any([signal, leave.signal]);
  let open: OpenFeed | null = null;
  let deliveries: Promise<Failure | null> = Promise.resolve(null);
  let current: Session | null = null;
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
      if (told.kind === "settled") {
        open?.bell.ring();
        ports.second?.ring();
      }
      if (told.kind !== "session") return;
      current = told.session;
      close(true);
      const feed = openFeed();
      open = feed;
      deliveries = deliveries.then(async (before) =>
        before !== null && isOfTheStore(before)
          ? before
          : graver(before, await delivered(told.session, feed, options, ports, report, delivering)),
      );
      // Awaited below; until then a rejection must not end the process before the offload is done.
      deliveries.catch(() => undefined);
    },
    AbortSignal.any([signal, gone]),
  );
  try {
    const read = await offloading;
    close(true);
    // At once, and not when the gallery is complete: the card is done, whatever the network does.
    const mayRelease = options.releases && isRemovable(read.removal);
    const unmount = mayRelease ? await ports.cards.release(volume, signal) : "not-ours";
    const offloaded = { ...read, removal: { ...read.removal, unmount } };
    // Its last record is written.
    ports.second?.ring();
    report({ kind: "offloaded", removal: offloaded.removal });
    const certified = certify(volume, offloaded, ports, signal);
    certified.then(
      ({ format, uncopied }) => report({ kind: "certified", card: volume.label, format, uncopied }),
      // Told to whoever awaits it.
      () => undefined,
    );
    const giveWay = () => leave.abort(new Failure("interrupted", "Another card is waiting."));
    if (another.aborted) giveWay();
    another.addEventListener("abort", giveWay, { once: true });
    const undelivered = await deliveries.catch((error: unknown) => {
      const hasLeft = leave.signal.aborted && !signal.aborted;
      const isThat = error === leave.signal.reason || (error as Error).name === "AbortError";
      if (hasLeft && isThat) return leave.signal.reason as Failure;
      throw error;
    });
    another.removeEventListener("abort", giveWay);
    return { offloaded, certified, undelivered };
  } catch (error) {
    close(false);
    await deliveries.catch(() => undefined);
    if (current !== null) remember(current, error, ports);
    throw error;
  }
}

/**
 * Takes down what was revoked, delivers what earlier runs have kept and could not deliver, and after all that makes what guests
 * download at once, also of this run. Only a failure of the store keeps one of these from the next. Leaves out the sessions that
 * this run has `tried`. Returns the gravest failure.
 */
export async function deliverRest(
  options: DeliverOptions & ZipOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
  tried: readonly SessionId[] = [],
): Promise<Failure | null> {
  const { failure: standing } = await takeDown(ports, signal);
  if (standing !== null && isOfTheStore(standing)) return standing;
  const left = ports.catalog.undelivered().filter(({ id }) => !tried.includes(id));
  const undelivered = await inTurn(left, async (session) => {
    const failure = await deliverSession(session, options, ports, report, signal);
    if (failure !== null) throw failure;
  });
  if (undelivered !== null && isOfTheStore(undelivered)) return undelivered;
  const unzipped = await zipGalleries(options, ports, report, signal);
  return graver(graver(undelivered, unzipped), standing);
}

/** The same, and then the originals: what guests wait for is never behind a video. */
export async function deliverAll(
  options: DeliverOptions & ZipOptions & OriginalsOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  const failure = await deliverRest(options, ports, report, signal);
  if (failure !== null && isOfTheStore(failure)) return failure;
  return graver(failure, await deliverOriginals(options, ports, report, signal));
}

/** Delivers what is kept of one session that no card is being read for. Returns what stopped it. */
export async function deliverSession(
  session: Session,
  options: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<Failure | null> {
  const { catalog, library } = ports;
  const feed = openFeed();
  feed.end(session.isOffloaded);
  // Its gallery may have got another name: the link must outlive the catalog.
  await library.writeRecord(sessionFolder(session), catalog.record(session));
  return delivered(session, feed, options, ports, report, signal);
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
    if (isRevocation(error)) return null;
    remember(session, error, ports);
    if (Failure.is(error, "session")) return error;
    throw error;
  }
}

/** Says in the catalog what a session waits for. Where that cannot be written, the failure itself is what is told. */
function remember(session: Session, error: unknown, { catalog }: Ports): void {
  if (!(error instanceof Failure)) return;
  try {
    catalog.stopped(session.id, error.code);
  } catch (unwritten) {
    if (!(unwritten instanceof Failure)) throw unwritten;
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
