import { createHash } from "node:crypto";
import type { NewObject } from "../domain/object.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import type { Ports } from "./ports.ts";

/** Below this an object is rather read than taken for the same by its size: a thumb has 25 KB. */
const COMPARED_BYTES = 64 * 1024;

/**
 * Whether the store holds exactly this object. The catalog knows what we put; only where its rows were rebuilt, or
 * others put there too, is the store itself asked, and the answer written down, so that nothing goes up twice.
 */
export async function isInStore(
  session: Pick<Session, "id" | "sharing">,
  object: NewObject,
  { catalog, store }: Pick<Ports, "catalog" | "store">,
  signal: AbortSignal,
): Promise<boolean> {
  const known = catalog.objectHash(object.key);
  if (known !== null) return known === object.sha256;
  // In a shared gallery another station may have put the picture that both have.
  const mayBeThere =
    catalog.isRebuilt(session.id) || (session.sharing !== null && object.cacheControl === CACHE_FOREVER);
  if (!mayBeThere || !(await isSame(object, store, signal))) return false;
  catalog.recordObjects([object]);
  return true;
}

/** What never changes under its key is the same when its size is; everything else is compared byte by byte. */
async function isSame(object: NewObject, store: Ports["store"], signal: AbortSignal): Promise<boolean> {
  const found = await store.has(object.key, signal);
  if (found?.sizeBytes !== object.sizeBytes) return false;
  if (object.cacheControl === CACHE_FOREVER && object.sizeBytes > COMPARED_BYTES) return true;
  const bytes = await store.get(object.key, signal);
  return bytes !== null && createHash("sha256").update(bytes).digest("hex") === object.sha256;
}
