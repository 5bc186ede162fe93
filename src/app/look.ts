import { join } from "node:path";
import { readSessions } from "../catalog/catalog.ts";
import { isLocked } from "../catalog/lock.ts";
import { describeSettings } from "../config/describe.ts";
import type { Settings } from "../config/slices.ts";
import { bytesInWords, count } from "../domain/amounts.ts";
import type { Session, Tally, Trouble } from "../domain/session.ts";
import { linkOf } from "../ingest/publish.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { openStore } from "./store.ts";

type Look = Extract<Command, { name: "status" | "sessions" | "config" }>;

interface SessionLook extends Tally {
  readonly session: Session;
  readonly troubles: readonly Trouble[];
}

/** `ghostroll status`, `sessions` and `config`: they only look, also while another process works. */
export async function look(command: Look, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const { facts, lines } = await {
    status: () => status(settings),
    sessions: () => sessions(settings),
    config: () => config(settings),
  }[command.name]();
  if (command.json) say(context.out, JSON.stringify(facts, null, 2));
  else say(context.out, ...lines);
  return 0;
}

function sessionsOf(settings: Settings): readonly SessionLook[] {
  const catalog = readSessions(settings.library.dbPath);
  if (catalog === null) return [];
  try {
    return catalog.allSessions().map((session) => ({
      session,
      ...catalog.tally(session.id),
      troubles: catalog.troubles(session.id),
    }));
  } finally {
    catalog.close();
  }
}

function status(settings: Settings) {
  const all = sessionsOf(settings);
  const sum = (of: (look: SessionLook) => number) => all.reduce((total, one) => total + of(one), 0);
  const isWorking = isLocked(join(settings.library.baseDir, "ghostroll.lock"));
  const facts = {
    library: settings.library.baseDir,
    isWorking,
    sessions: all.length,
    keptFiles: sum((one) => one.kept),
    keptBytes: sum((one) => one.keptBytes),
    waitingFiles: sum((one) => one.kept - one.published),
    unreadFiles: sum((one) => one.found - one.kept - one.duplicates - one.failed),
    failedFiles: sum((one) => one.failed),
    damagedFiles: sum((one) => one.damaged),
  };
  const lines = [
    isWorking ? "GhostRoll is running." : "GhostRoll is not running.",
    all.length === 0
      ? `Nothing is kept in ${facts.library} yet. Try: ghostroll demo`
      : `${count(facts.keptFiles, "file")} (${bytesInWords(facts.keptBytes)}) of ${count(all.length, "session")} kept in ${facts.library}.`,
  ];
  if (facts.unreadFiles > 0)
    lines.push(`${count(facts.unreadFiles, "file")} not read yet: insert the card again.`);
  if (facts.waitingFiles > 0)
    lines.push(`${count(facts.waitingFiles, "file")} kept, and not in a gallery yet.`);
  if (facts.failedFiles + facts.damagedFiles > 0)
    lines.push(
      `${count(facts.failedFiles + facts.damagedFiles, "file")} not all right: ghostroll sessions --json names them.`,
    );
  return { facts, lines };
}

async function sessions(settings: Settings) {
  const all = sessionsOf(settings);
  const links = await linksTo(all, settings);
  const rows = all.map(({ session, kept, keptBytes, failed, damaged, published }) => [
    session.name,
    session.day,
    session.label.slice(0, 24),
    count(kept, "file"),
    bytesInWords(keptBytes),
    [
      !session.isOffloaded
        ? "waiting for the card"
        : published < kept
          ? `${number(kept - published)} waiting`
          : "delivered",
      ...(failed + damaged > 0 ? [`${failed + damaged} not all right`] : []),
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
    lines: galleries.length === 0 ? lines : [...lines, "", "GALLERIES", ...galleries],
  };
}

/** Fresh links to the galleries that have something to show. Signing needs the keys, not the network. */
async function linksTo(all: readonly SessionLook[], settings: Settings): Promise<(string | null)[]> {
  if (!all.some(({ published }) => published > 0)) return [];
  const closing: (() => void | Promise<void>)[] = [];
  const { store } = await openStore(settings, null, closing);
  try {
    return await Promise.all(
      all.map(({ session, published }) => (published > 0 ? linkOf(session, store) : Promise.resolve(null))),
    );
  } finally {
    for (const close of closing) await close();
  }
}

function config(settings: Settings) {
  const rows = describeSettings(settings);
  const lines = columns(rows.map(({ key, value, origin }) => [key, value === "" ? "(none)" : value, origin]));
  return { facts: rows, lines };
}

function number(amount: number): string {
  return amount.toLocaleString("en-US");
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
