import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { identifyVolume } from "../card/identify-volume.ts";
import { Failure } from "../domain/failure.ts";
import { writeDurably } from "../flow/durable.ts";
import { drawDemoCard } from "../imaging/demo/card.ts";
import type { DrawRequest } from "../imaging/demo/draw-task.ts";
import { openWorkers } from "../workers/pool.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import { ingestInto, keepServing, rescanOf, slipTo } from "./ingest.ts";
import { refuseOwn } from "./own-places.ts";
import { exitCodeOf } from "./summary.ts";

/** Drawing one picture takes well under a second. */
const DRAW_DEADLINE_MS = 60_000;

/** `ghostroll demo`: the whole story without a card, a bucket or an account. Returns the exit code. */
export async function demo(command: Extract<Command, { name: "demo" }>, context: Context): Promise<number> {
  const base = join(context.cwd, ".ghostroll");
  const overrides = { BASE_DIR: base, ...command.settings, S3_BUCKET: "" };
  const settings = context.settings(overrides);
  const folder =
    command.card === null
      ? await drawnCard(settings.library.baseDir, settings.pictures.workers, context)
      : resolve(context.cwd, command.card);
  const volume = await identifyVolume(folder);
  await refuseOwn(volume, settings);
  const house = await openOnSomePort(overrides, command.settings["WEB_PORT"] !== undefined, context);
  try {
    const summary = await ingestInto(
      house,
      { ...volume, label: command.card === null ? "Demo card" : volume.label },
      rescanOf(settings, volume),
      context,
    );
    say(
      context.out,
      "",
      `The library of this demo is in ${settings.library.baseDir}; delete it when you are done.`,
    );
    if (command.serve && summary.link !== null) {
      await keepServing(context);
      // The demo card holds a broken file on purpose: that it was named is not a failure of the demo.
      return 0;
    }
    return exitCodeOf(summary);
  } finally {
    await house.close();
  }
}

/** The drawn card, made at the first run. Drawing has workers of its own: it needs loaders that rendering forbids. */
async function drawnCard(baseDir: string, threads: number, { out, signal }: Context): Promise<string> {
  const folder = join(baseDir, "demo-card");
  if (existsSync(join(folder, "complete"))) return join(folder, "card");
  const workers = openWorkers({ threads, env: { MALLOC_ARENA_MAX: "2" } });
  const draw = workers.task<DrawRequest, void>(
    new URL("../imaging/demo/draw-task.ts", import.meta.url),
    DRAW_DEADLINE_MS,
  );
  const line = "Drawing a camera card of pictures";
  if (out.isTTY !== true) say(out, `${line} …`);
  try {
    await drawDemoCard({
      folder: join(folder, "card"),
      draw,
      signal,
      onDrawn: (done, total) => {
        if (out.isTTY === true) out.write(`\r${line}: ${done} of ${total}${done === total ? "\n" : ""}`);
      },
    });
    await writeDurably(join(folder, "complete"), "");
  } finally {
    await workers.close();
  }
  return join(folder, "card");
}

/** The usual port if it is free, any other one if nobody asked for that one: a demo should simply open. */
async function openOnSomePort(
  overrides: Record<string, string>,
  isAsked: boolean,
  context: Context,
): Promise<House> {
  try {
    return await openHouse(context.settings(overrides), { isServing: true, onSlip: slipTo(context.err) });
  } catch (error) {
    if (isAsked || !(error instanceof Failure) || error.code !== "port-in-use") throw error;
    return openHouse(context.settings({ ...overrides, WEB_PORT: "0" }), {
      isServing: true,
      onSlip: slipTo(context.err),
    });
  }
}
