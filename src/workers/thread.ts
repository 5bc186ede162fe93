import { flushCompileCache } from "node:module";
import type { Outcome, Post } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";

/** Tasks whose modules this thread has loaded. */
const loaded = new Set<string>();

/** Runs one task in a thread, or only loads it; whatever it throws becomes data here, since a structured clone drops the code of a `Failure`. */
export default async function runTask({ task, request, isOnlyLoaded }: Post): Promise<Outcome> {
  try {
    const { default: run } = (await import(task)) as { default: (request: unknown) => unknown };
    if (!loaded.has(task)) {
      loaded.add(task);
      // Its process is killed in the end, and would never write what was compiled for the next one.
      flushCompileCache();
    }
    return { kind: "reply", reply: isOnlyLoaded ? null : await run(request) };
  } catch (error) {
    return outcomeOf(error);
  }
}
