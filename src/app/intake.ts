import type { CardEvent } from "../card/watcher.ts";
import { Failure } from "../domain/failure.ts";
import { openTurns } from "../flow/turns.ts";

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
  /** Takes a card in and gives way again. What it throws is a bug. */
  readonly take: (event: CardEvent, cuts: Cuts) => Promise<void>;
}

/**
 * Takes cards in side by side: one at a time from each reader, since the second would only slow it down, and of each volume,
 * since two copies of one card go on in each other's session.
 */
export function openIntake({ places, hold, take }: IntakeOptions) {
  const turns = openTurns(places);
  /** The last card of each reader and of each volume. */
  const queues = new Map<string, Promise<void>>();
  const present = new Map<string, AbortController>();
  let crowd = new AbortController();

  return {
    inserted(event: CardEvent): void {
      const { reader, volume } = event;
      const keys = [`reader ${reader}`, `volume ${volume.id}`];
      const before = keys.flatMap((key) => queues.get(key) ?? []);
      if (before.length > 0 || turns.isFull) {
        crowd.abort();
        crowd = new AbortController();
      }
      const gone = new AbortController();
      present.set(keyOf(event), gone);
      const cuts = { gone: gone.signal, another: crowd.signal };
      const work = Promise.all([...before, hold()]).then(async () =>
        turns.take(async () => take(event, cuts)),
      );
      for (const key of keys) queues.set(key, work);
      void work.then(() => {
        for (const key of keys) if (queues.get(key) === work) queues.delete(key);
      });
    },

    removed(event: CardEvent): void {
      const key = keyOf(event);
      present
        .get(key)
        ?.abort(
          new Failure("card-removed", `The card ${event.volume.label} was taken out while it was read.`),
        );
      present.delete(key);
    },

    /** Resolves when every card that came until now is done with. */
    settled: async (): Promise<void> => void (await Promise.all(queues.values())),
  };
}

function keyOf({ volume }: CardEvent): string {
  return `${volume.root}\n${volume.medium}`;
}
