import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { contentHash } from "../src/domain/hash.ts";
import { mediaByName } from "../src/domain/media.ts";
import { openPictures } from "../src/imaging/pictures.ts";
import { openWorkers } from "../src/workers/pool.ts";
import { openBareLoop } from "./bare-loop.ts";
import type { Setting } from "./measure.ts";
import { interleave, median, ratioOf } from "./measure.ts";
import { drawPictures } from "./pictures.ts";
import type { Row } from "./table.ts";
import { atLeast } from "./table.ts";

const PRESETS = [
  { name: "share", maxLongEdge: 2048, quality: 90 },
  { name: "thumb", maxLongEdge: 480, quality: 78 },
] as const;

/** How much of what sharp alone makes of this machine does rendering through the worker process make? */
export async function images({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const threads = availableParallelism();
  const files = await drawPictures(join(folder, "card"), threads * (isShort ? 4 : 8));
  console.error(`  ${files.length} pictures of ${(statSync(files[0] ?? "").size / 1e6).toFixed(1)} MB`);
  const workers = openWorkers({ threads, env: { MALLOC_ARENA_MAX: "2" } });
  const pictures = openPictures({
    root: folder,
    render: workers.task(new URL("../src/imaging/task.ts", import.meta.url), 60_000),
    presets: PRESETS,
    maxPixels: 160e6,
    preview: null,
  });
  const clone = await openBareLoop(threads, join(folder, "clone"), "clone");
  const chain = await openBareLoop(threads, join(folder, "chain"), "chain");
  const signal = new AbortController().signal;
  const originals = files.map((file, number) => ({
    hash: contentHash(number.toString(16).padStart(64, "0")),
    media: mediaByName(file),
    modifiedMs: 0,
    originalPath: file.slice(folder.length),
  }));
  try {
    const seconds = await interleave(isShort ? 3 : 7, {
      ghostroll: () => Promise.all(originals.map((original) => pictures.derive(original, signal))),
      clone: () => clone.run(files),
      chain: () => chain.run(files),
    });
    const row = (question: string, took: readonly number[]) => ({
      question: `${question}, ${threads} threads`,
      figure: files.length / median(took),
      unit: "24-MP pictures/s",
    });
    const ratio = ratioOf(seconds.chain, seconds.ghostroll);
    return [
      {
        ...row("render share and thumb", seconds.ghostroll),
        against: { what: "bare sharp, one decode", ratio },
        goal: atLeast(0.85, ratio),
      },
      {
        ...row("render share and thumb", seconds.ghostroll),
        against: { what: "bare sharp, clone()", ratio: ratioOf(seconds.clone, seconds.ghostroll) },
      },
      row("bare sharp, one decode", seconds.chain),
      row("bare sharp, clone()", seconds.clone),
    ];
  } finally {
    await clone.close();
    await chain.close();
    await workers.close();
  }
}
