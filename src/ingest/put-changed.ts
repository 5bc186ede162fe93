import { pMapIterable } from "p-map";
import type { NewObject } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { isInStore } from "./in-store.ts";
import type { Ports } from "./ports.ts";

/** Objects of a gallery are small: so many at once keep a slow uplink busy without holding much memory. */
const PUTS_AT_ONCE = 8;

/** Puts those objects of a wave that the store does not have as they are. Nobody else may write under their keys. */
export async function putChanged(
  session: Session,
  wave: Iterable<NewObject>,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, store } = ports;
  const puts = pMapIterable(
    wave,
    async (object) => {
      if (await isInStore(session, object, ports, signal)) return null;
      // Chunks, index and shell keep their keys: the claim of the old bytes would survive a crash just after the new ones.
      if (catalog.objectHash(object.key) !== null) catalog.forgetObject(object.key);
      await store.put(object, signal);
      return object;
    },
    { concurrency: PUTS_AT_ONCE },
  );
  for await (const object of puts) if (object !== null) catalog.recordObjects([object]);
}
