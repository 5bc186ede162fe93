import { join } from "node:path";
import { readSessions } from "../catalog/catalog.ts";
import { isLocked } from "../catalog/lock.ts";
import { describeSettings } from "../config/describe.ts";
import type { Settings } from "../config/slices.ts";
import { bytesInWords, count } from "../domain/amounts.ts";
import { Failure } from "../domain/failure.ts";
import { linkEndInWords, linkState } from "../domain/link-end.ts";
import type { PastSession, Tally, Trouble } from "../domain/session.ts";
import type { SessionEnd } from "../domain/session-end.ts";
import { ENDS_IN_SHORT, endInWords, endOf } from "../domain/session-end.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { assertFolder } from "./library-there.ts";
import { hasAddress, NO_ADDRESS, openStore, storeName } from "./store.ts";
import { inBucketInWords } from "./summary.ts";
import { unsentInWords, unsentOf } from "./unsent.ts";

type Look = Extract<Command, { name: "status" | "sessions" | "config" }>;

interface SessionLook extends Tally {
  readonly session: PastSession;
  readonly troubles: readonly Trouble[];
  /** Originals that are not on the second disk yet. */
  readonly uncopied: number;
  readonly end: SessionEnd;
  /** The same in words. */
  readonly sentence: string;
}

/** `ghostroll status`, `sessions` and `config`: they only look, also while another process works. */
export async function look(command: Look, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  if (command.name !== "config") assertFolder(settings);
  const { facts, lines } = await {
    status: () => status(settings),
    sessions: () => sessions(settings),
    config: () => config(settings),
  }[command.name]();
  if (command.json) say(context.out, JSON.stringify(facts, null, 2));
  else say(context.out, ...lines);
  return 0;
}

/** How many of the originals that are to be in the bucket are there; `null` when none are to. */
function originalsOf(settings: Settings) {
  const { originals } = settings.store;
  const catalog = originals === "none" ? null : readSessions(settings.library.dbPath);
  if (originals === "none" || catalog === null) return null;
  try {
    const { chosen, absent } = catalog.countOriginals(storeName(settings), originals);
    return { uploaded: chosen - absent, waiting: absent };
  } finally {
    catalog.close();
  }
}

function sessionsOf(settings: Settings): readonly SessionLook[] {
  const catalog = readSessions(settings.library.dbPath);
  if (catalog === null) return [];
  const isAtWork = isWorking(settings);
  try {
    const { secondDir } = settings.library;
    return catalog.allSessions().map((session) => {
      const tally = catalog.tally(session.id);
      const troubles = catalog.troubles(session.id);
      const uncopied = secondDir === null ? 0 : catalog.countUncopied(session.id, secondDir);
      const facts = { session, tally, troubles, uncopied, isAtWork };
      return { session, ...tally, troubles, uncopied, end: endOf(facts), sentence: endInWords(facts) };
    });
  } finally {
    catalog.close();
  }
}

/** Whether a GhostRoll has the library for itself now. */
function isWorking({ library }: Settings): boolean {
  return isLocked(join(library.baseDir, "ghostroll.lock"));
}

function status(settings: Settings) {
  const all = sessionsOf(settings);
  const sum = (of: (look: SessionLook) => number) => all.reduce((total, one) => total + of(one), 0);
  const originals = originalsOf(settings);
  const messages = unsentOf(settings);
  const facts = {
    library: settings.library.baseDir,
    isWorking: isWorking(settings),
    sessions: all.length,
    keptFiles: sum((one) => one.kept),
    keptBytes: sum((one) => one.keptBytes),
    waitingFiles: sum((one) => one.kept - one.published),
    unreadFiles: sum((one) => one.found - one.kept - one.duplicates - one.failed),
    failedFiles: sum((one) => one.failed),
    damagedFiles: sum((one) => one.damaged),
    uncopiedFiles: sum((one) => one.uncopied),
    originals,
    messages,
    links: Object.fromEntries(
      all.flatMap(({ session }) => {
        const state = linkState(session.linkEndsMs, Date.now());
        return state === "opens" ? [] : [[session.name, state]];
      }),
    ),
    ends: Object.fromEntries(all.map(({ session, end }) => [session.name, end])),
  };
  const lines = [
    facts.isWorking ? "GhostRoll is running." : "GhostRoll is not running.",
    all.length === 0
      ? `Nothing is kept in ${facts.library} yet. Try: ghostroll demo`
      : `${count(facts.keptFiles, "file")} (${bytesInWords(facts.keptBytes)}) of ${count(all.length, "session")} kept in ${facts.library}.`,
  ];
  for (const { session, end, sentence } of all)
    if (/^(waiting|being)-/.test(end)) lines.push(`${session.name} (${session.label}): ${sentence}`);
  if (originals !== null)
    lines.push(
      originals.waiting === 0
        ? inBucketInWords(originals.uploaded)
        : `${count(originals.uploaded, "original")} in the bucket, ${originals.waiting} still to go.`,
    );
  for (const { session } of all)
    if (session.linkEndsMs !== null && facts.links[session.name] === "ends-soon")
      lines.push(
        `${session.name} (${session.label}): ${linkEndInWords(session.name, session.linkEndsMs, Date.now())}`,
      );
  lines.push(...messages.map(unsentInWords));
  if (facts.failedFiles + facts.damagedFiles > 0)
    lines.push(
      `${count(facts.failedFiles + facts.damagedFiles, "file")} with problems: \`ghostroll sessions --json\` names them.`,
    );
  return { facts, lines };
}

async function sessions(settings: Settings) {
  const all = sessionsOf(settings);
  const { links, unsigned } = await linksTo(all, settings);
  const rows = all.map(({ session, kept, keptBytes, troubles, end }) => [
    session.name,
    session.day,
    session.label.slice(0, 24),
    count(kept, "file"),
    bytesInWords(keptBytes),
    [
      ENDS_IN_SHORT[end],
      ...(linkState(session.linkEndsMs, Date.now()) === "ended" ? ["link ended"] : []),
      ...(troubles.length > 0 ? [count(troubles.length, "problem")] : []),
    ].join(", "),
  ]);
  const lines =
    rows.length === 0
      ? ["No card was taken in yet. Try: ghostroll demo"]
      : columns([["SESSION", "DAY", "CARD", "KEPT", "SIZE", "STATE"], ...rows]);
  const galleries = all.flatMap(({ session }, index) =>
    links[index] ? [`${session.name}  ${links[index]}`] : [],
  );
  return {
    facts: all.map(({ session, ...rest }, index) => ({ ...session, ...rest, link: links[index] ?? null })),
    lines: [
      ...lines,
      ...(galleries.length === 0 ? [] : ["", "GALLERIES", ...galleries]),
      ...(unsigned === null ? [] : ["", unsigned]),
    ],
  };
}

/** Fresh links to the galleries that have something to show. Signing needs the keys, not the network. */
async function linksTo(
  all: readonly SessionLook[],
  settings: Settings,
): Promise<{ readonly links: readonly (string | null)[]; readonly unsigned: string | null }> {
  if (!all.some(({ published }) => published > 0)) return { links: [], unsigned: null };
  if (!hasAddress(settings)) return { links: [], unsigned: NO_ADDRESS };
  // What publishes galleries is no part of a look without links.
  const { linkOf } = await import("../ingest/publish.ts");
  const closing: (() => void | Promise<void>)[] = [];
  const { store } = await openStore(settings, null, closing);
  try {
    const links = await Promise.all(
      all.map(async ({ session, published }) =>
        // Pages whose link has ended are not signed again: a fresh link would open them without their pictures.
        published > 0 && linkState(session.linkEndsMs, Date.now()) !== "ended"
          ? linkOf(session, store)
          : null,
      ),
    );
    return { links, unsigned: null };
  } catch (error) {
    if (Failure.is(error, "session"))
      return { links: [], unsigned: `No links now: ${error.message} ${error.policy.hint}` };
    throw error;
  } finally {
    for (const close of closing) await close();
  }
}

function config(settings: Settings) {
  const rows = describeSettings(settings);
  const lines = columns(rows.map(({ key, value, origin }) => [key, value === "" ? "(none)" : value, origin]));
  return { facts: rows, lines };
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
