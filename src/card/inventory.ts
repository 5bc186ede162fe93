import type { Inventory, Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { InventoryRequest } from "./inventory-task.ts";
import type { PackedInventory } from "./packed-inventory.ts";
import { unpackInventory } from "./packed-inventory.ts";
import { assertPresent, failedRequests } from "./presence.ts";
import { releaseCard } from "./release.ts";

interface CardsOptions {
  /** Runs `inventory-task.ts` where a hung card harms nobody. */
  readonly list: {
    run(request: InventoryRequest, signal: AbortSignal): Promise<PackedInventory | null>;
  };
}

/** The cards, as far as the story needs them. */
export function openCards({ list }: CardsOptions) {
  return {
    /**
     * Everything on the volume by stat alone, in reading order; `before` itself when a listing of that digest showed the same.
     * Throws `card-missing`, `card-forbidden`, `card-unreadable`, `card-removed`, `card-unresponsive`.
     */
    async list<Before extends Pick<Inventory, "digest"> = never>(
      volume: Volume,
      signal: AbortSignal,
      before?: Before,
    ): Promise<Inventory | Before> {
      try {
        const { root, medium, onlyBeforeMs } = volume;
        const request = { root, medium, onlyBeforeMs, before: before?.digest ?? null };
        const packed = await list.run(request, signal);
        if (packed !== null) return unpackInventory(packed);
        if (before === undefined) throw new Error("a listing was taken for one that nobody has");
        return before;
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== "worker-late") throw error;
        throw new Failure("card-unresponsive", `The card ${volume.label} does not respond.`, {
          cause: error,
        });
      } finally {
        // A pulled card lists nothing, or fails in its own way for each folder.
        await assertPresent(volume);
      }
    },

    assertPresent,

    failedRequests,

    /** Has the card unmounted by the unit that mounted it, when that is ours; `failed` when something still uses it. */
    release: (volume: Volume, signal: AbortSignal) => releaseCard(volume, { signal }),
  };
}
