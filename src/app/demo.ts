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

/**
 * `ghostroll demo`: the whole story without a card, a bucket or an account. Returns the exit code. Nothing that is set up for real
 * cards counts: no photo of a demo belongs into that catalog or onto that second disk, and nobody wants to be told of it.
 */
export async function demo(command: Extract<Command, { name: "demo" }>, context: Context): Promise<number> {
  const overrides = { BASE_DIR: join(context.cwd, ".ghostroll"), ...command.settings };
  const settings = context.ownSettings(overrides);
  if (settings.store.bucket !== null)
    throw new Failure(
      "usage",
      "The demo stays on this machine. To try a bucket, put its settings into .env, and run `ghostroll ingest` on a folder with some pictures.",
    );
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
    const { baseDir } = settings.library;
    // In a folder that somebody has named, there may be more than the demo.
    const advice = command.settings["BASE_DIR"] === undefined ? "; delete it when you are done" : "";
    say(context.out, "", `The library of this demo is in ${baseDir}${advice}.`);
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
    return await openHouse(context.ownSettings(overrides), { isServing: true, onSlip: slipTo(context.err) });
  } catch (error) {
    if (isAsked || !(error instanceof Failure) || error.code !== "port-in-use") throw error;
    return openHouse(context.ownSettings({ ...overrides, WEB_PORT: "0" }), {
      isServing: true,
      onSlip: slipTo(context.err),
    });
  }
}
