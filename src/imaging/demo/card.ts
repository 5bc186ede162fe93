import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../flow/durable.ts";
import type { DrawRequest } from "./draw-task.ts";
import { buildRaw } from "./exif.ts";
import { junk, sidecar, tinyVideo } from "./files.ts";
import { planShots } from "./plan.ts";

interface Options {
  /** Absolute path of the folder that stands in for the card; made when it is not there. */
  readonly folder: string;
  /** Runs `draw-task.ts`, in another worker child than the one that renders: the two allow different loaders. */
  readonly draw: { run(request: DrawRequest, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** Called after each file with how many there are and will be. */
  readonly onDrawn?: (done: number, total: number) => void;
  /** How many pictures, at least 4. */
  readonly count?: number;
}

/** Enough to fill a gallery's screen several times over, drawn in some seconds. */
const PICTURES = 52;
/** Requests on their way at once: keeps the threads of any small machine busy without filling the worker's queue. */
const LANES = 4;

/**
 * Makes a card as two cameras would leave it: pictures over two days, one name in both folders, a RAW beside its JPEG, a
 * sidecar, a film, and one file that is broken. The same count gives the same bytes. Throws what drawing throws.
 */
export async function drawDemoCard({
  folder,
  draw,
  signal,
  onDrawn,
  count = PICTURES,
}: Options): Promise<void> {
  const plan = planShots(count).map((shot) => ({ ...shot, file: join(folder, shot.path) }));
  for (const directory of new Set(plan.map(({ file }) => join(file, "..")))) await makeDirectory(directory);
  const total = plan.length + 4;
  let done = 0;
  const queue = plan.values();
  const lane = async () => {
    for (const { path: _, ...request } of queue) {
      await draw.run(request, signal);
      onDrawn?.(++done, total);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for await (const file of writeOthers(plan)) if (file) onDrawn?.(++done, total);
}

/** Everything on the card that is not a drawn picture, one after the other. */
async function* writeOthers(plan: readonly DrawRequest[]): AsyncGenerator<string> {
  // The film in the middle of the first day: what has no picture yet should not be the first thing that anybody sees.
  const [first, third, last] = [plan[0], plan[Math.floor(plan.length / 3)], plan.at(-1)];
  if (first === undefined || third === undefined || last === undefined) return;
  const raw = buildRaw({ ...last.exif, secrets: null }, await readFile(last.file));
  const others: [beside: DrawRequest, name: string, bytes: Buffer][] = [
    [last, last.file.replace(/JPG$/, "NEF"), raw],
    [first, first.file.replace(/JPG$/, "XMP"), sidecar(4)],
    [first, first.file.replace(/IMG_\d+\.JPG$/, "IMG_0099.JPG"), junk(48 * 1024)],
    [third, third.file.replace(/IMG_\d+\.JPG$/, "MVI_0100.MP4"), tinyVideo(256 * 1024)],
  ];
  for (const [beside, file, bytes] of others) {
    await writeFile(file, bytes);
    await utimes(file, beside.modifiedMs / 1000, beside.modifiedMs / 1000);
    yield file;
  }
}
