import { EventEmitter, once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Setting } from "./measure.ts";
import { median, secondsOf } from "./measure.ts";
import { startGhostroll } from "./processes.ts";
import type { Row } from "./table.ts";
import { atMost } from "./table.ts";

/** Files of a card that was in before: a person who inserts it again waits no longer for "nothing new" than for a blink. */
const KNOWN_MS = 1000;
/** Beside the pictures and uploads of another card, on the smallest machine this is for. */
const KNOWN_MB = 150;
const INSERTIONS = 5;
/** A process that reads cards ends after ten seconds without one. */
const OUT_MS = 11_000;
/** What fits on a card of 512 GB at 12 MB a picture. */
const CARD_FILES = 41_000;

/** What does a card of very many files cost the first time, and what when it is inserted again? */
export async function rescan({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const count = isShort ? 1000 : CARD_FILES;
  const media = join(folder, "media");
  const card = join(media, "CARD");
  await tinyFiles(card, 0, count);
  const settingsOf = (how: string) => ({
    BASE_DIR: join(folder, "library"),
    MOUNT_ROOTS: media,
    WEB_PORT: "0",
    RESCAN: how,
    RESERVE_MB: "0",
  });
  const run = async (how: string) => {
    const settings = settingsOf(how);
    const ghostroll = startGhostroll(["ingest", card, "--no-serve"], settings);
    let code: number | null = null;
    const seconds = await secondsOf(async () => {
      code = await ghostroll.ended;
    });
    if (code !== 0) throw new Error(`ghostroll ingest ended with ${code}`);
    return { seconds, peaksMB: ghostroll.peaksMB() };
  };
  const first = await run("stat");
  const stat = await run("stat");
  const again = await putInAgain(card, settingsOf("stat"), isShort ? 1 : INSERTIONS);
  const sampled = await run("sampled");
  const onePercent = Math.floor(count / 100);
  await tinyFiles(card, count, count + onePercent);
  const delta = await run("stat");
  await tinyFiles(card, count + onePercent, count + 2 * onePercent);
  const sampledDelta = await run("sampled");

  const known = `${count} known files`;
  const memory = (question: string, { peaksMB }: { peaksMB: readonly number[] }, limit?: number): Row[] =>
    ["main", "card child", "render child"].slice(0, peaksMB.length).map((name, index) => {
      const figure = peaksMB[index] ?? 0;
      const row = { question: `${question}: peak memory, ${name}`, figure, unit: "MB" };
      return index === 0 && limit !== undefined ? { ...row, goal: atMost(limit, figure, "MB") } : row;
    });
  /** What is new on a card that is known otherwise, and how it compares with as many files of a card that is all new. */
  const more = (how: string, { seconds }: { seconds: number }, without: { seconds: number }): Row => ({
    question: `${known} and 1 % new, ${how}: more than without`,
    figure: (seconds - without.seconds) * 1000,
    unit: `ms for ${onePercent} files`,
    against: {
      what: "as many of a new card",
      ratio: (seconds - without.seconds) / onePercent / (first.seconds / count),
    },
  });
  return [
    { question: `${count} new tiny files`, figure: count / first.seconds, unit: "files/s" },
    ...memory(`${count} new tiny files`, first),
    {
      question: `${known}, put in again, by stat`,
      figure: again.ms,
      unit: "ms",
      goal: atMost(KNOWN_MS, again.ms, "ms"),
    },
    ...memory(`${known}, put in again, by stat`, again, KNOWN_MB),
    { question: `${known}, by stat, the whole command`, figure: stat.seconds * 1000, unit: "ms" },
    ...memory(`${known}, by stat, the whole command`, stat),
    { question: `${known}, sampled`, figure: sampled.seconds * 1000, unit: "ms" },
    ...memory(`${known}, sampled`, sampled),
    more("by stat", delta, stat),
    more("sampled", sampledDelta, sampled),
  ];
}

/** The card goes into a daemon that runs, and out again: from the moment it is announced until it is taken in, in the middle. */
async function putInAgain(
  card: string,
  settings: Readonly<Record<string, string>>,
  insertions: number,
): Promise<{ readonly ms: number; readonly peaksMB: readonly number[] }> {
  const lines = new EventEmitter();
  const daemon = startGhostroll(["watch"], settings, (line) => {
    if (line.startsWith("{")) lines.emit((JSON.parse(line) as { msg: string }).msg);
  });
  const says = async (words: string) =>
    Promise.race([
      once(lines, words),
      daemon.ended.then((code) => {
        throw new Error(`ghostroll watch ended with ${code} before it said "${words}"`);
      }),
    ]);
  const took: number[] = [];
  for (let insertion = 0; insertion < insertions; insertion++) {
    if (insertion > 0) {
      const gone = says("card removed");
      await rename(card, `${settings["BASE_DIR"]}-out`);
      await gone;
      // What read it last has ended by then, as with a card that is put in another day.
      await delay(OUT_MS);
      await rename(`${settings["BASE_DIR"]}-out`, card);
    }
    await says("card inserted");
    const announcedMs = performance.now();
    await says("card taken in");
    took.push(performance.now() - announcedMs);
  }
  // Beside those that read the card there is one that waits for mounts.
  const [main = 0, ...children] = daemon.peaksMB();
  daemon.stop();
  await daemon.ended;
  return { ms: median(took), peaksMB: [main, Math.max(...children)] };
}

/** A thousand a folder, as DCF has it at most 9999; each with other bytes. */
async function tinyFiles(card: string, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    const folder = join(card, "DCIM", `${100 + Math.floor(number / 1000)}BENCH`);
    if (number === from || number % 1000 === 0) await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `DSC_${String(number).padStart(5, "0")}.XMP`), `<x n="${number}"/>`);
  }
}
