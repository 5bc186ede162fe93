import { count } from "../domain/amounts.ts";
import { deliverAll } from "../ingest/ingest-card.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { assertLibrary } from "./library-there.ts";
import { sessionCalled } from "./session-called.ts";

/** `ghostroll retry`: pictures that could not be made, and galleries that are not complete. Returns the exit code. */
export async function tryAgain(
  { session: name, json, settings: overrides }: Extract<Command, { name: "retry" }>,
  context: Context,
): Promise<number> {
  const settings = context.settings(overrides);
  assertLibrary(settings);
  const house = await openHouse(settings, { isServing: false, onSlip: slipTo(context.err) });
  try {
    const { catalog, options, ports } = house;
    const session = name === null ? null : sessionCalled(name, catalog.allSessions());
    const pictures = catalog.tryAgain(session?.id ?? null);
    const waiting = catalog.undelivered();
    const completed: string[] = [];
    const failure = await deliverAll(
      options,
      ports,
      (told) => {
        if (told.kind === "published" && told.isComplete) completed.push(told.session.name);
      },
      context.signal,
    );
    const touched = waiting.filter(({ id }) => session === null || id === session.id);
    const damaged = touched.reduce((sum, { id }) => sum + catalog.tally(id).damaged, 0);
    const exitCode = failure?.policy.exit ?? (damaged > 0 ? 3 : 0);
    const undelivered = failure && { code: failure.code, message: failure.message };
    if (json)
      say(context.out, JSON.stringify({ pictures, damaged, completed, undelivered, exitCode }, null, 2));
    else {
      say(context.out, ...lines(pictures, damaged, waiting.length, completed.length));
      if (failure !== null) say(context.out, `${failure.message} ${failure.policy.hint}`);
    }
    return exitCode;
  } finally {
    await house.close();
  }
}

function lines(pictures: number, damaged: number, galleries: number, completed: number): string[] {
  if (galleries === 0)
    return ["Nothing to try again: every picture can be shown, and every gallery is complete."];
  return [
    ...(pictures === 0
      ? []
      : [
          `${count(pictures, "picture")} tried again: ${damaged === 0 ? "all can be shown now" : `${damaged} cannot be shown, the files themselves are kept`}.`,
        ]),
    galleries === 1
      ? `The gallery ${completed === 1 ? "is complete now" : "is still not complete"}.`
      : `${completed} of ${galleries} galleries that were not complete ${completed === 1 ? "is" : "are"} complete now.`,
  ];
}
