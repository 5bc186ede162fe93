import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Setting } from "./measure.ts";
import { secondsOf } from "./measure.ts";
import { startGhostroll } from "./processes.ts";
import type { Row } from "./table.ts";
import { atMost } from "./table.ts";

/** Files of a card that was in before: a person who inserts it again waits no longer for "nothing new" than for a blink. */
const KNOWN_MS = 1000;

/** What does a card of very many files cost the first time, and what when it is inserted again? */
export async function rescan({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const count = isShort ? 1000 : 10_000;
  const card = join(folder, "CARD");
  await tinyFiles(card, count);
  const run = async (how: string) => {
    const settings = { BASE_DIR: join(folder, "library"), WEB_PORT: "0", RESCAN: how };
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
  const sampled = await run("sampled");
  const rows = (question: string, { peaksMB }: { peaksMB: readonly number[] }): Row[] =>
    ["main", "card child", "render child"].slice(0, peaksMB.length).map((name, index) => ({
      question: `${question}: peak memory, ${name}`,
      figure: peaksMB[index] ?? 0,
      unit: "MB",
    }));
  const ms = stat.seconds * 1000;
  return [
    { question: `${count} new tiny files`, figure: count / first.seconds, unit: "files/s" },
    ...rows(`${count} new tiny files`, first),
    { question: `${count} known files, by stat`, figure: ms, unit: "ms", goal: atMost(KNOWN_MS, ms, "ms") },
    ...rows(`${count} known files, by stat`, stat),
    { question: `${count} known files, sampled`, figure: sampled.seconds * 1000, unit: "ms" },
  ];
}

/** A thousand a folder, as DCF has it at most 9999; each with other bytes. */
async function tinyFiles(card: string, count: number): Promise<void> {
  for (let start = 0; start < count; start += 1000) {
    const folder = join(card, "DCIM", `${100 + start / 1000}BENCH`);
    await mkdir(folder, { recursive: true });
    for (let number = start; number < Math.min(count, start + 1000); number++)
      await writeFile(join(folder, `DSC_${String(number).padStart(5, "0")}.XMP`), `<x n="${number}"/>`);
  }
}
