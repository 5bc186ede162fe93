import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Setting } from "./measure.ts";
import { median, secondsOf } from "./measure.ts";
import { drawPictures } from "./pictures.ts";
import { startGhostroll } from "./processes.ts";
import type { Row } from "./table.ts";
import { atMost } from "./table.ts";

interface Run {
  /** Seconds from the start of the process to each of these. */
  readonly opens: number;
  readonly kept: number;
  readonly published: number;
  readonly ended: number;
  /** Until everything is in the gallery with the settings people have: one core is left to everything else. */
  readonly byDefault: number;
  readonly loop: number;
  readonly cpu: number;
  readonly loopCpu: number;
  readonly peaksMB: readonly number[];
}

/** From a card in a folder to a gallery in a store: what does it take beyond the rendering? And when is the first picture there? */
export async function endToEnd({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const threads = availableParallelism();
  const count = isShort ? 12 : 60;
  const card = join(folder, "CARD/DCIM/100BENCH");
  await drawPictures(card, count);
  const runs: Run[] = [];
  for (let round = 0; round < (isShort ? 1 : 3); round++) {
    const loopArguments = [
      join(import.meta.dirname, "bare-loop.ts"),
      threads,
      join(folder, `loop-${round}`),
      card,
    ];
    let loopCpu = Number.NaN;
    const loop = await secondsOf(() => {
      loopCpu = Number(execFileSync(process.execPath, loopArguments.map(String)));
    });
    const run = await ingest(join(folder, "CARD"), join(folder, `library-${round}`), threads);
    const { published: byDefault } = await ingest(
      join(folder, "CARD"),
      join(folder, `default-${round}`),
      null,
    );
    runs.push({ loop, loopCpu, byDefault, ...run });
  }
  const of = (pick: (run: Run) => number) => median(runs.map(pick));
  const ratio = of((run) => run.published / run.loop);
  const what = `bare sharp, ${of((run) => run.loop).toFixed(1)} s`;
  const seconds = (question: string, pick: (run: Run) => number): Row => ({
    question: `card of ${count}: ${question}`,
    figure: of(pick),
    unit: "s",
    against: { what, ratio: of((run) => pick(run) / run.loop) },
  });
  const peak = (process: string, index: number): Row => ({
    question: `card of ${count}: peak memory, ${process}`,
    figure: of((run) => run.peaksMB[index] ?? Number.NaN),
    unit: "MB",
  });
  return [
    {
      ...seconds("first picture in the gallery", (run) => run.opens),
      goal: atMost(
        2,
        of((run) => run.opens),
        "s",
      ),
    },
    seconds("everything kept and proved", (run) => run.kept),
    {
      ...seconds(`everything in the gallery, ${threads} rendering`, (run) => run.published),
      goal: atMost(1.35, ratio),
    },
    seconds("everything in the gallery, by default", (run) => run.byDefault),
    seconds("process ended", (run) => run.ended),
    {
      question: `card of ${count}: processor time of all`,
      figure: of((run) => run.cpu),
      unit: "CPU s",
      against: {
        what: `bare sharp, ${of((run) => run.loopCpu).toFixed(1)} CPU s`,
        ratio: of((run) => run.cpu / run.loopCpu),
      },
    },
    peak("main", 0),
    peak("card child", 1),
    peak("render child", 2),
  ];
}

/** One run of the real command; the times come from what it prints, and the link is opened as a guest would. */
async function ingest(
  card: string,
  library: string,
  threads: number | null,
): Promise<Omit<Run, "loop" | "loopCpu" | "byDefault">> {
  const startMs = performance.now();
  const since = () => (performance.now() - startMs) / 1000;
  const opened: Promise<number>[] = [];
  let [kept, published] = [Number.NaN, Number.NaN];
  const settings = {
    BASE_DIR: library,
    WEB_PORT: "0",
    ...(threads === null ? {} : { PROCESS_WORKERS: String(threads) }),
  };
  const run = startGhostroll(["ingest", card, "--no-serve"], settings, (line) => {
    const link = / gallery (http\S+)/.exec(line)?.[1];
    if (link !== undefined) opened.push(openLink(link).then(since));
    if (/ read in /.test(line)) kept = since();
    if (line.endsWith(" in the gallery.")) published = since();
  });
  const code = await run.ended;
  const ended = since();
  const [opens] = await Promise.all(opened);
  if (code !== 0 || opens === undefined) throw new Error(`ghostroll ingest ended with ${code}`);
  return { opens, kept, published, ended, cpu: run.cpuSeconds(), peaksMB: run.peaksMB() };
}

/** Throws when there is no picture behind the link. */
async function openLink(link: string): Promise<void> {
  const page = await (await fetch(link)).text();
  const picture = /<img[^>]+src="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
  if (picture === undefined) throw new Error("The gallery shows no picture.");
  const answer = await fetch(new URL(picture, link));
  if (!answer.ok) throw new Error(`The first picture answers ${answer.status}.`);
  await answer.arrayBuffer();
}
