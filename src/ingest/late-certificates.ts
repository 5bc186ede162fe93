import type { Volume } from "../domain/card.ts";
import { isSameListing } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { keys } from "../domain/layout.ts";
import type { Certificate } from "./certify.ts";
import { certify } from "./certify.ts";
import type { Offloaded } from "./offload.ts";
import type { Ports } from "./ports.ts";
import { keptOf } from "./read-again.ts";

/** Cards in their readers that only lack second copies to be called safe to format: a disk or a network may be back later. */
export interface LateCertificates {
  /** A card is in its reader, until it is `removed`; it may be unmounted there. */
  inserted(volume: Volume): void;
  removed(volume: Volume): void;
  /** What was certified of a card, unless it was removed meanwhile. */
  certified(volume: Volume, offloaded: Offloaded, certificate: Certificate): void;
  /** Certifies those again that may be there twice by now. Costs little while they are not. Throws as `certify` does. */
  askAgain(signal: AbortSignal): Promise<void>;
}

interface Late {
  readonly offloaded: Offloaded;
  readonly hashes: readonly ContentHash[];
}

/** `tell` hears of a card that has become safe to format. */
export function openLateCertificates(
  ports: Ports,
  tell: (volume: Volume, certificate: Certificate) => void,
): LateCertificates {
  /** The cards that are in, and what they wait for. One that is inserted again is another `Volume`. */
  const present = new Map<Volume, Late | null>();

  return {
    inserted(volume) {
      for (const other of present.keys()) if (other.id === volume.id) present.delete(other);
      present.set(volume, null);
    },
    removed(volume) {
      present.delete(volume);
    },
    certified(volume, offloaded, { format }) {
      const isLate =
        format !== null && format.length > 0 && format.every(({ doubt }) => doubt === "one-copy");
      const { files } = offloaded;
      if (!isLate || files === null || !present.has(volume)) return;
      const hashes = keptOf(files, volume, ports.catalog).map(({ hash }) => hash);
      present.set(volume, { offloaded, hashes });
    },
    async askAgain(signal) {
      for (const [volume, late] of present) {
        if (late === null || !(await mayBeTwice(late.hashes, ports))) continue;
        const certificate = await certify(volume, late.offloaded, ports, signal);
        if (certificate.format?.length !== 0) continue;
        const isSame = await isAsItWas(volume, late.offloaded, ports, signal);
        // It may have been taken out meanwhile.
        if (present.get(volume) !== late) continue;
        present.set(volume, null);
        if (isSame) tell(volume, certificate);
      }
    },
  };
}

/** By what is written down, and a look at the second disk; whether it is so, `certify` asks. */
async function mayBeTwice(
  hashes: readonly ContentHash[],
  { catalog, store, second }: Ports,
): Promise<boolean> {
  for (const hash of hashes) {
    const original = catalog.original(hash);
    if (original === null) return false;
    if (store.isOffsite && catalog.objectHash(keys.original(hash, original.path)) === hash) continue;
    if ((await second?.holds({ hash, ...original })) !== true) return false;
  }
  return true;
}

/** Nobody writes to what we have unmounted; on any other card there may be more by now, and its next insertion tells. */
async function isAsItWas(
  volume: Volume,
  { removal, files }: Offloaded,
  { cards }: Ports,
  signal: AbortSignal,
): Promise<boolean> {
  if (removal.unmount === "done") return true;
  if (files === null) return false;
  try {
    // Whatever is no file would have stood against it.
    return isSameListing(await cards.list(volume, signal), { files, refused: [] });
  } catch (error) {
    if (Failure.is(error) && error.code.startsWith("card-")) return false;
    throw error;
  }
}
