import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { replaceCatalog } from "../catalog/backup.ts";
import { openCatalog } from "../catalog/catalog.ts";
import { bytesInWords, count } from "../domain/amounts.ts";
import { RECORDS, sessionFolder } from "../domain/layout.ts";
import { writeSessionRecord } from "../domain/session-record.ts";
import { writeDurably } from "../flow/durable.ts";
import type { Rebuilt } from "../ingest/rebuild.ts";
import { rebuild as rebuildRows } from "../ingest/rebuild.ts";
import { openSurvey } from "../library/survey.ts";
import { openUpkeep } from "../library/upkeep.ts";
import { openWorkers } from "../workers/pool.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { lockPlace } from "./house.ts";
import { assertLibrary } from "./library-there.ts";
import { storeName } from "./store.ts";

/** `ghostroll rebuild`: rebuilds the catalog from the library. Returns the exit code. */
export async function rebuild(
  { isReading, json, settings: overrides }: Extract<Command, { name: "rebuild" }>,
  context: Context,
): Promise<number> {
  const settings = context.settings(overrides);
  assertLibrary(settings);
  const { baseDir: root, dbPath, copyWorkers: readers } = settings.library;
  const locks = lockPlace(settings.library);
  const workers = openWorkers({ threads: readers, env: {} });
  try {
    const task = <Request, Reply>(file: string) =>
      workers.task<Request, Reply>(new URL(`../library/${file}`, import.meta.url), Number.POSITIVE_INFINITY);
    const upkeep = openUpkeep({ root, copy: task("task.ts"), hash: task("hash-task.ts") });
    // With the library's disk away, the new catalog would say that nothing was ever kept.
    upkeep.assertThere();
    const rebuilt = await rebuildRows(
      { isReading, readers },
      { ...openSurvey(root), ...upkeep },
      () => randomBytes(16).toString("base64url"),
      context.signal,
    );
    const oldCatalog = await install(rebuilt, root, dbPath, storeName(settings));
    const exitCode = rebuilt.troubles.length > 0 ? 3 : 0;
    const summary = summarize(rebuilt, oldCatalog);
    if (json) say(context.out, JSON.stringify({ ...summary, exitCode }, null, 2));
    else say(context.out, ...rebuiltLines(summary, isReading));
    return exitCode;
  } finally {
    await workers.close();
    for (const release of locks) release();
  }
}

/** Writes the new catalog beside the old one, and only when it is whole puts it in its place. Returns the old one's new name. */
async function install(
  { sessions, unrecorded }: Rebuilt,
  root: string,
  dbPath: string,
  store: string,
): Promise<string | null> {
  const fresh = `${dbPath}.new`;
  for (const end of ["", "-wal", "-shm"]) rmSync(fresh + end, { force: true });
  const catalog = openCatalog(fresh, store);
  try {
    catalog.restore(sessions);
    // The new links have to outlive the next loss, too.
    for (const { session } of sessions) {
      const folder = sessionFolder(session);
      if (unrecorded.some(({ path, hasRecord }) => path === folder && !hasRecord))
        await writeDurably(
          join(root, folder, RECORDS.session),
          writeSessionRecord(catalog.record({ ...session, isOffloaded: true })),
        );
    }
  } finally {
    catalog.close();
  }
  return replaceCatalog(dbPath, fresh);
}

function summarize(rebuilt: Rebuilt, oldCatalog: string | null) {
  const { sessions, unrecorded, ...rest } = rebuilt;
  const originals = sessions.flatMap((one) => one.originals);
  return {
    sessions: sessions.map(({ session: { name } }) => name),
    originals: originals.length,
    originalBytes: originals.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    unrecorded: unrecorded.map(({ path }) => path),
    ...rest,
    oldCatalog,
  };
}

/** Files that are named one by one before the rest is only counted; `--json` has them all. */
const NAMED_AT_MOST = 20;

function rebuiltLines(summary: ReturnType<typeof summarize>, isReading: boolean): string[] {
  const { sessions, originals, originalBytes, unrecorded, adopted, leftAlone, troubles, oldCatalog } =
    summary;
  const lines = [
    `The catalog is rebuilt: ${count(sessions.length, "session")} with ${count(originals, "original")} (${bytesInWords(originalBytes)}).`,
    isReading
      ? "Each was read back and is as it was kept."
      : `Each is there with its size${summary.readFiles > 0 ? `; ${count(summary.readFiles, "file")} of no recorded size were read` : ""}. \`rebuild --verify\` reads all.`,
  ];
  const list = (title: string, names: readonly string[]) => {
    if (names.length === 0) return;
    lines.push("", title, ...names.slice(0, NAMED_AT_MOST).map((name) => `  ${name}`));
    if (names.length > NAMED_AT_MOST) lines.push(`  … and ${names.length - NAMED_AT_MOST} more.`);
  };
  list("Without a whole session.json, so that their galleries get new links:", unrecorded);
  list("In no manifest, and kept as originals now:", adopted);
  list("Left alone, in no session or kept elsewhere already:", leftAlone);
  list(
    "Not as they were kept. Insert their card again:",
    troubles.map(({ name, reason }) => `${name}: ${reason}`),
  );
  if (oldCatalog !== null) lines.push("", `The old catalog is kept as ${oldCatalog}.`);
  lines.push(
    "",
    "The next `ghostroll watch` or `ingest` brings the galleries up to date. What the store has stays there.",
  );
  return lines;
}
