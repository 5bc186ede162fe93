import { statSync } from "node:fs";
import { resolve } from "node:path";
import { identifyVolume } from "../card/identify-volume.ts";
import { rootFailure } from "../card/walk.ts";
import type { Settings } from "../config/slices.ts";
import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { Session } from "../domain/session.ts";
import { certify } from "../ingest/certify.ts";
import { graver, isOfTheStore } from "../ingest/in-turn.ts";
import { deliverRest, ingestCard } from "../ingest/ingest-card.ts";
import type { Rescan } from "../ingest/offload-options.ts";
import { deliverOriginals } from "../ingest/originals.ts";
import type { Ports } from "../ingest/ports.ts";
import { linkOf } from "../ingest/publish.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { DEFAULT_COLUMNS, say, untilStopped } from "./context.ts";
import type { House, HouseOptions } from "./house.ts";
import { openHouse } from "./house.ts";
import { refuseOwn } from "./own-places.ts";
import { qrText } from "./qr.ts";
import { hasAddress, NO_ADDRESS } from "./store.ts";
import type { Summary } from "./summary.ts";
import { exitCodeOf, summarize, summaryLines } from "./summary.ts";
import type { Display } from "./terminal.ts";
import { openDisplay } from "./terminal.ts";
import { track } from "./tracker.ts";

/** `ghostroll ingest PATH`: one card or folder by hand. Returns the exit code. */
export async function ingest(
  command: Extract<Command, { name: "ingest" }>,
  context: Context,
): Promise<number> {
  const settings = context.settings(command.settings);
  const volume = await identifyVolume(resolve(context.cwd, command.path));
  await refuseOwn(volume, settings);
  const isLocal = settings.store.bucket === null;
  if (command.serve === true && !isLocal)
    throw new Failure("usage", "--serve is for galleries on this machine; this one opens from the bucket.");
  // A link into this machine opens only while it is served: someone at a terminal wants to open it.
  const staysOpen = isLocal && (command.serve ?? (context.out.isTTY === true && !command.json));
  const house = await openServing(settings, command.serve === true, context);
  try {
    const rescan = rescanOf(settings, volume);
    const summary = await ingestInto(house, volume, rescan, context, {
      isQuiet: command.json,
      // A port of this run alone leads nowhere once it has ended.
      isLinkLasting: staysOpen || hasAddress(settings),
    });
    if (command.json)
      say(context.out, JSON.stringify({ ...summary, exitCode: exitCodeOf(summary) }, null, 2));
    if (staysOpen && house.web !== null && summary.link !== null) await keepServing(context);
    else if (isLocal && !command.json) {
      if (summary.link !== null)
        say(
          context.out,
          "The link opens while this machine serves it: `ghostroll watch`, or `ingest` with --serve.",
        );
      else if (summary.sessions.length > 0)
        say(
          context.out,
          hasAddress(settings)
            ? "The gallery opens once `ghostroll watch` serves it; `ghostroll link last` shows its link then."
            : NO_ADDRESS,
        );
    }
    return exitCodeOf(summary);
  } finally {
    await house.close();
  }
}

/**
 * How a known volume is looked at again. A folder on the library's own filesystem is no card that somebody could have
 * swapped for its twin, so unless a person has said otherwise its files are known by size and time, and none is read.
 */
export function rescanOf({ cards, library, origins }: Settings, volume: Volume): Rescan {
  if (origins.RESCAN !== "default") return cards.rescan;
  const isOnOwnDisk = deviceOf(volume) === statSync(library.baseDir).dev;
  return isOnOwnDisk ? "stat" : cards.rescan;
}

/** The card may be pulled before its first file is asked for. */
function deviceOf({ root }: Volume): number {
  try {
    return statSync(root).dev;
  } catch (error) {
    throw rootFailure(error, root);
  }
}

/** Photos first: when the port is taken and nobody asked for it, the card is ingested all the same. */
async function openServing(settings: Settings, isAsked: boolean, { err }: Context): Promise<House> {
  try {
    return await openHouse(settings, { isServing: true, onSlip: slipTo(err), onSecond: warnTo(err) });
  } catch (error) {
    if (isAsked || !(error instanceof Failure) || error.code !== "port-in-use") throw error;
    say(err, `${error.message} The gallery is made, but not served now. ${error.policy.hint}`);
    // Links with that port would lead to the other program.
    const elsewhere = { ...settings, web: { ...settings.web, port: 0 } };
    return openHouse(elsewhere, { isServing: false, onSlip: slipTo(err), onSecond: warnTo(err) });
  }
}

/** Ingests one volume with a live display, and delivers what earlier runs left. Says what came of it. */
export async function ingestInto(
  house: House,
  volume: Volume,
  rescan: Rescan,
  context: Context,
  {
    isQuiet = false,
    isLinkLasting = true,
  }: { readonly isQuiet?: boolean; readonly isLinkLasting?: boolean } = {},
): Promise<Summary> {
  const { ports } = house;
  const options = { ...house.options, rescan };
  const columns = () => context.out.columns || DEFAULT_COLUMNS;
  const tracker = track(volume.label, house.hasAddress);
  const display = isQuiet ? null : openDisplay({ ...displayOptions(context), columns });
  const announce = house.announcer.hearCard(volume.label);
  let shown = null as Session | null;
  const report: Parameters<typeof ingestCard>[3] = (told) => {
    tracker.hear(told);
    if (told.kind === "published") shown = told.session;
    if (house.hasAddress || told.kind !== "published") announce(told);
    // With nothing to read there is nothing to watch: the summary says it all.
    if (tracker.look().foundFiles > 0) display?.update(tracker.look());
  };
  // Of other cards only that the last thing is being done, which can take as long as all before.
  const hearLast: typeof report = (told) => {
    if (told.kind === "zipping") report(told);
  };
  warnOfStore(house, display, context.signal);
  try {
    const ingested = await ingestCard(volume, options, ports, report, context.signal);
    const { undelivered } = ingested;
    const own = undelivered === null ? [] : ingested.offloaded.sessions.map(({ id }) => id);
    const [rest, before] = await Promise.all([
      undelivered !== null && isOfTheStore(undelivered)
        ? null
        : deliverRest(options, ports, hearLast, context.signal, own),
      ingested.certified,
    ]);
    const late = graver(undelivered, rest);
    const failure =
      late !== null && isOfTheStore(late)
        ? null
        : await deliverOriginals(options, ports, report, context.signal);
    const originals =
      options.originals === "none" ? null : { ...ports.catalog.countOriginals(options.originals), failure };
    // The bucket may be the second place that was missing before.
    const isNews = originals !== null && failure === null && before.format !== null;
    const certificate = isNews ? await certify(volume, ingested.offloaded, ports, context.signal) : before;
    // What earlier runs could not copy, too.
    const uncopied = certificate.uncopied ?? (await ports.second?.copied("all", context.signal)) ?? null;
    display?.close();
    const hasLink = house.hasAddress && isLinkLasting;
    const isRevoked = shown !== null && ports.catalog.isRevoked(shown.slug);
    const shownLink = hasLink && !isRevoked ? tracker.look().link : null;
    const latest = hasLink ? ports.catalog.latestGallery(volume.id) : null;
    const [link, unsigned] = shownLink === null && latest ? await linkNow(latest, ports) : [shownLink, null];
    const outcome = { ...ingested, undelivered: undelivered ?? unsigned, rest, originals };
    const certified = { ...certificate, uncopied };
    const summary = summarize(
      volume.label,
      outcome,
      certified,
      tracker.bytesRead(),
      house.traffic,
      link,
      ports.catalog,
    );
    if (!isQuiet) show(summary, context, columns());
    return summary;
  } finally {
    display?.close();
  }
}

/** The link of a gallery that is there already, or why it cannot be given now: no reason to say nothing of the card. */
async function linkNow(session: Session, { store }: Ports): Promise<[string, null] | [null, Failure]> {
  try {
    return [await linkOf(session, store), null];
  } catch (error) {
    if (Failure.is(error, "session")) return [null, error];
    throw error;
  }
}

function displayOptions({ out, useColor }: Context) {
  return { out, isTty: out.isTTY === true, useColor };
}

/** A bucket that cannot be used is said at once, not after an hour of copying; the originals are kept meanwhile. */
function warnOfStore({ checkStore }: House, display: Display | null, signal: AbortSignal): void {
  checkStore(signal).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    if (error.code !== "interrupted") display?.note(`${error.message} ${error.policy.hint}`);
  });
}

function show(summary: Summary, context: Context, columns: number): void {
  say(context.out, "", ...summaryLines(summary));
  if (summary.link === null) return;
  const qr =
    context.out.isTTY === true ? qrText(summary.link, { columns, useColor: context.useColor }) : null;
  say(context.out, "", ...(qr === null ? [] : [qr]), summary.link);
}

/** What goes wrong beside the work is said, and ends nothing. */
export function slipTo(err: Context["err"]): HouseOptions["onSlip"] {
  return (what, error) => say(err, `${what}: ${error instanceof Error ? error.message : String(error)}`);
}

/** That the second disk waits is said in the summary; what it does not protect from is said at once. */
function warnTo(err: Context["err"]): NonNullable<HouseOptions["onSecond"]> {
  return (sentence, failure) => {
    if (failure === null) say(err, `Note: ${sentence}`);
  };
}

/** Serves until the process is asked to end. */
export async function keepServing({ out, signal }: Context): Promise<void> {
  say(out, "", "Serving the gallery; Ctrl-C ends it.");
  await untilStopped(signal);
}
