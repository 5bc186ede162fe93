import type { Outcome, Post } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";

/** Runs one task in a thread; whatever it throws becomes data here, since a structured clone drops the code of a `Failure`. */
export default async function runTask({ task, request }: Post): Promise<Outcome> {
  try {
    const { default: run } = (await import(task)) as { default: (request: unknown) => unknown };
    return { kind: "reply", reply: await run(request) };
  } catch (error) {
    return outcomeOf(error);
  }
}
