import type { Inventory, Volume } from "../domain/card.ts";
import type { RemovalFacts } from "../domain/safety.ts";

/** What the story needs to know of a card that is in. */
export interface CardsPort {
  /**
   * Everything on the volume by stat alone, in reading order; `before` itself when a listing of that digest showed the same. Throws
   * `card-missing`, `card-forbidden`, `card-unreadable`, `card-removed`.
   */
  list<Before extends Pick<Inventory, "digest"> = never>(
    volume: Volume,
    signal: AbortSignal,
    before?: Before,
  ): Promise<Inventory | Before>;
  /** Throws `card-removed` when the card is no longer the one that was identified. Asks the kernel only, never the card. */
  assertPresent(volume: Volume): Promise<void>;
  /**
   * How many requests to the card's disk have failed until now, as the kernel counts them, also those that were repeated and then
   * went well; `null` where it counts none. Asks the kernel only, never the card.
   */
  failedRequests(volume: Volume): Promise<number | null>;
  /** Has the card unmounted by the unit that mounted it, when that is ours; `failed` when something still uses it. */
  release(volume: Volume, signal: AbortSignal): Promise<RemovalFacts["unmount"]>;
}
