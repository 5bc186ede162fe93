import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { codeOf } from "../../../src/domain/device-error.ts";
import { makeCard, picture } from "../../support/card.ts";
import type { Ended, Running } from "../../support/ghostroll.ts";
import { ghostroll, start } from "../../support/ghostroll.ts";
import { assertSound, hashesBelow } from "../../support/invariants.ts";
import type { Call } from "./strace.ts";
import { CHANGING, callsIn, pathsBelow, under } from "./strace.ts";

/** Parts of the library, swept one by one: a number counts calls of a thread, and here each part has mostly one thread. */
const PARTS = {
  copies: /^(incoming|originals)\/[^/]*\.part/,
  originals: /^(originals.*|incoming.*tmp|incoming|)$/,
  catalog: /^ghostroll\./,
  gallery: /^(store|renditions|link-secret)/,
} as const;

type Part = keyof typeof PARTS;

/** The Nth call of a name on one part of the library. */
export interface Point {
  readonly part: Part;
  readonly call: string;
  readonly number: number;
}

/** An error, once or from then on; the end of the process that makes the call; or, right after the call, the end of all. */
export type Deed =
  | { readonly error: "EIO" | "ENOSPC"; readonly lasts: boolean }
  | { readonly kills: "its process" | "all" };

/** A small card, the calls that taking it in makes, and runs of the command in which one of them goes wrong. */
export interface Bench {
  readonly onCard: ReadonlySet<string>;
  readonly tiles: number;
  /** Every call seen in a run that went well, as points. */
  readonly points: readonly Point[];
  /** Takes the card into a library of its own, with something done at a point. `hits` are the calls that were met. */
  run(base: string, point: Point, what: Deed): Promise<Ended & { readonly hits: readonly Call[] }>;
  /** Takes the card in as everyone does. */
  runFreely(base: string): Promise<Ended>;
}

/** All of a size, so that what the command says it has read tells how many files that are. */
const FILE_BYTES = 100_000;
/** One thread for all of the main process's own files, so that numbers mean the same in each run. */
const SINGLE = { UV_THREADPOOL_SIZE: "1" };

export async function openBench(folder: string): Promise<Bench> {
  const card = await makeCard(join(folder, "card"), {
    "DCIM/100CANON/IMG_0001.JPG": padded(await picture(1)),
    "DCIM/101NIKON/IMG_0001.JPG": padded(await picture(2)),
    "DCIM/101NIKON/COPY.JPG": padded(await picture(1)),
    "MISC/NOTES.TXT": padded(Buffer.from("notes")),
  });
  const args = (base: string) =>
    `ingest ${card} --base-dir ${base} --no-serve --set RESERVE_MB=0 --set COPY_WORKERS=1 --set PROCESS_WORKERS=1 --set UPLOAD_WORKERS=1 --set WEB_PORT=0`.split(
      " ",
    );
  const names = pathToFileURL(join(import.meta.dirname, "same-names.ts")).href;
  const env = { ...SINGLE, NODE_OPTIONS: `--import=${names}` };
  await mkdir(join(folder, "logs"), { recursive: true });

  const measured = join(folder, "measured");
  const log = join(folder, "logs", "measured");
  const first = await ghostroll(args(measured), { env, under: under({ log, calls: CHANGING }) });
  assert.equal(first.code, 0, first.err);
  const seen = await callsIn(log);
  const paths = new Set(seen.flatMap((call) => pathsBelow(measured, call)));
  const pathsOf = (part: Part) => [...paths].filter((path) => PARTS[part].test(path));

  return {
    onCard: new Set((await hashesBelow(card)).values()),
    tiles: 2,
    points: (Object.keys(PARTS) as Part[]).flatMap((part) => pointsOf(part, seen, measured)),
    runFreely: (base) => ghostroll(args(base), { env: SINGLE }),
    async run(base, point, what) {
      const written = join(folder, "logs", basename(base));
      const run = start(args(base), {
        env,
        under: under({
          log: written,
          calls: [point.call],
          paths: pathsOf(point.part).map((path) => join(base, path)),
          inject: injected(what, point.number),
        }),
      });
      const isToEndAll = "kills" in what && what.kills === "all";
      const stopped = isToEndAll ? await endAllAt(point.number, run, written) : null;
      const ended = await run.ended;
      const hits = stopped ?? (await callsIn(written)).filter((call) => call.isHit);
      await rm(written);
      return { ...ended, hits };
    },
  };
}

function injected(what: Deed, number: number): string {
  if ("error" in what) return `error=${what.error}:when=${number}${what.lasts ? "+" : ""}`;
  return `signal=${what.kills === "all" ? "STOP" : "KILL"}:when=${number}`;
}

/** How often to look whether the call was made. */
const LOOK_MS = 10;

/** Waits for the process that stops after the Nth call, then kills it and, before it, the command. Returns that call. */
async function endAllAt(number: number, { child, ended }: Running, log: string): Promise<Call[]> {
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const call = existsSync(log) && (await callsIn(log)).find((made) => made.number === number);
    if (call) {
      const tracer = `/proc/${child.pid}/task/${child.pid}/children`;
      const [command = 0] = (await readFile(tracer, "utf8")).split(" ").map(Number);
      for (const id of [command, Number(call.thread)]) if (id > 0) end(id);
      return [call];
    }
    await Promise.race([delay(LOOK_MS), over]);
  }
  return [];
}

/** Kills a process or one of its threads; the thread may have gone with its process. */
function end(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(FILE_BYTES - bytes.length, bytes.subarray(-64))]);
}

/** In each part a number for every call there was of a name, as its busiest thread made them. */
function pointsOf(part: Part, seen: readonly Call[], base: string): Point[] {
  const here = seen.filter((call) => pathsBelow(base, call).some((path) => PARTS[part].test(path)));
  const most = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { name, thread } of here) {
    const count = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, count);
    most.set(name, Math.max(most.get(name) ?? 0, count));
  }
  return [...most].flatMap(([call, count]) =>
    Array.from({ length: count }, (_, index) => ({ part, call, number: index + 1 })),
  );
}

/** What the library holds is sound, and nothing that was said on the way is more than that. Returns whether work was under way. */
export async function assertHonest(base: string, { out }: Ended, { onCard, tiles }: Bench): Promise<boolean> {
  const { kept, published } = await assertSound(base, onCard);
  const saidBytes = Number([...out.matchAll(/: (\d+) of \d+ kB read/g)].at(-1)?.[1] ?? 0) * 1000;
  assert.ok(saidBytes <= settledBytes(base), `it said that ${saidBytes} bytes are kept:\n${out}`);
  if (/every file on (it|the card) is kept/i.test(out))
    assert.equal(kept, onCard.size, `it said that all is kept:\n${out}`);
  return kept > 0 && published < tiles;
}

/** Bytes of card files that the catalog says are kept. */
function settledBytes(base: string): number {
  try {
    const catalog = new Database(join(base, "ghostroll.db"), { readonly: true, fileMustExist: true });
    try {
      return Number(
        catalog
          .prepare("SELECT coalesce(sum(size_bytes), 0) FROM card_file WHERE hash IS NOT NULL")
          .pluck()
          .get(),
      );
    } finally {
      catalog.close();
    }
  } catch {
    return 0;
  }
}
