import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { assertLibrary } from "./library-there.ts";

/** `ghostroll backup`: a checked copy of the catalog in the library. Returns the exit code. */
export async function backup(
  command: Extract<Command, { name: "backup" | "doctor" }>,
  context: Context,
): Promise<number> {
  const settings = context.settings(command.settings);
  assertLibrary(settings);
  const house = await openHouse(settings, { isServing: false, onSlip: slipTo(context.err) });
  try {
    const path = await house.backUp();
    if (command.json) say(context.out, JSON.stringify({ path }, null, 2));
    else say(context.out, `The catalog is copied to ${path}, checked; the newest seven copies are kept.`);
    return 0;
  } finally {
    await house.close();
  }
}
