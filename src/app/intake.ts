import type { CardEvent } from "../card/watcher.ts";
import { Failure } from "../domain/failure.ts";
import { openTurns } from "../flow/turns.ts";
import type { Next, Retry } from "./retry.ts";
import { openRetry } from "./retry.ts";

/** What cuts the taking in of a card short. */
export interface Cuts {
  /** It is not there any more. */
  readonly gone: AbortSignal;
  /** Another card waits: once this one is kept, its gallery is left for later. */
  readonly another: AbortSignal;
}

interface IntakeOptions {
  /** Cards read at once. */
  readonly places: number;
  /** Everything else that would read from or write to the library makes way; called once for each card. */
  readonly hold: () => Promise<unknown>;
  /** Takes a card in, gives way again, and returns whether to take it in again later. What it throws is a bug. */
  readonly take: (event: CardEvent, cuts: Cuts) => Promise<Next>;
}

/**
 * Takes cards in side by side: one at a time from each reader, since the second would only slow it down, and of each volume,
 * since two copies of one card go on in each other's session. One that could not be finished for a reason that may pass is
 * taken in again as long as it is there.
 */
export function openIntake({ places, hold, take }: IntakeOptions) {
  const turns = openTurns(places);
  /** The last card of each reader and of each volume. */
  const queues = new Map<string, Promise<unknown>>();
  const present = new Map<string, { readonly gone: AbortController; readonly tries: Retry }>();
  let crowd = new AbortController();

  return {
    inserted(event: CardEvent): void {
      const key = keyOf(event);
      const gone = new AbortController();
      const tries = openRetry({
        attempt: async () => (gone.signal.aborted ? "never" : queue(event, gone.signal)),
      });
      // Each burst in a drop folder is an insertion, and the last one has what the others had.
      void present.get(key)?.tries.close();
      present.set(key, { gone, tries });
      tries.release("at once");
    },

    /** The card is not mounted any more, or not even there. */
    removed(event: CardEvent): void {
      const key = keyOf(event);
      const { gone, tries } = present.get(key) ?? {};
      const how = event.kind === "unmounted" ? "unmounted" : "taken out";
      gone?.abort(
        new Failure("card-removed", `The card ${event.volume.label} was ${how} while it was read.`),
      );
      void tries?.close();
      present.delete(key);
    },

    /** Takes nothing in again; resolves when every card that came until now is done with. */
    async close(): Promise<void> {
      await Promise.all([...present.values()].map(async ({ tries }) => tries.close()));
      await Promise.all(queues.values());
    },
  };

  async function queue(event: CardEvent, gone: AbortSignal): Promise<Next> {
    const { reader, volume } = event;
    const keys = [`reader ${reader}`, `volume ${volume.id}`];
    const before = keys.flatMap((key) => queues.get(key) ?? []);
    if (before.length > 0 || turns.isFull) {
      crowd.abort();
      crowd = new AbortController();
    }
    const cuts = { gone, another: crowd.signal };
    const work = Promise.all([...before, hold()]).then(async () => turns.take(async () => take(event, cuts)));
    for (const key of keys) queues.set(key, work);
    const next = await work;
    for (const key of keys) if (queues.get(key) === work) queues.delete(key);
    return next;
  }
}

function keyOf({ volume }: CardEvent): string {
  return `${volume.root}\n${volume.medium}`;
}
