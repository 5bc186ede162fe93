import type { CardFile, Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { Ports, ProvedCopy } from "./ports.ts";

/**
 * Makes copies of a card's files, and remembers those that no row says anything of yet: what stops a card would leave them to fill
 * the disk until the next start.
 */
export function openLooseCopies(library: Pick<Ports["library"], "copy" | "discard">, signal: AbortSignal) {
  const loose = new Set<ProvedCopy>();
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  return {
    /** Throws as `library.copy` does. */
    async make(volume: Volume, file: CardFile): Promise<ProvedCopy> {
      const copy = await library.copy(volume, file, ends);
      loose.add(copy);
      return copy;
    },

    /** It has got its name, or was dropped as a duplicate. */
    settled(copy: ProvedCopy): void {
      loose.delete(copy);
    },

    /** Ends what is still being copied, and drops what was not settled. */
    async close(): Promise<void> {
      over.abort(new Failure("interrupted", "The card is not read any further."));
      for (const copy of loose)
        await library.discard(copy).catch((error: unknown) => {
          // What led here is what is told; a copy that stays is swept at the next start.
          if (!(error instanceof Failure)) throw error;
        });
    },
  };
}
