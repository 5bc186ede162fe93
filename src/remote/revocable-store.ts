import { Failure } from "../domain/failure.ts";
import { slugIn } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import type { ObjectStore } from "./object-store.ts";
import { LARGEST_BODY_BYTES } from "./s3-client.ts";

/** Something of a gallery that is on its way into the store. */
interface UnderWay {
  readonly slug: string;
  readonly ended: Promise<unknown>;
  /** Only for what comes to nothing when it is broken off. */
  readonly stop: AbortController | null;
}

/**
 * A store that takes nothing of a gallery that is revoked, whoever is at work on it, and whose `deletePrefix` of such a one also
 * sees to what was on its way at that moment: when it returns, nothing is under the prefix and nothing comes.
 */
export function revocableStore(store: ObjectStore, isRevoked: (slug: string) => boolean): ObjectStore {
  const underWay = new Set<UnderWay>();

  async function taken<Result>(
    { key, sizeBytes }: NewObject,
    signal: AbortSignal,
    take: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const slug = slugIn(key);
    if (slug === null) return take(signal);
    if (isRevoked(slug)) throw refusal();
    // What goes in parts is never completed once it is broken off. A single request may be carried out all the same, and later.
    const stop = sizeBytes > LARGEST_BODY_BYTES ? new AbortController() : null;
    const taking = take(stop === null ? signal : AbortSignal.any([signal, stop.signal]));
    const one = { slug, ended: taking, stop };
    underWay.add(one);
    try {
      return await taking;
    } finally {
      underWay.delete(one);
    }
  }

  return {
    ...store,
    put: (object, signal) => taken(object, signal, async (ending) => store.put(object, ending)),
    replace: (object, tag, signal) =>
      taken(object, signal, async (ending) => store.replace(object, tag, ending)),
    async deletePrefix(prefix, signal) {
      const gone = slugIn(prefix);
      if (gone === null || !isRevoked(gone)) return store.deletePrefix(prefix, signal);
      const ours = [...underWay].filter(({ slug }) => slug === gone);
      for (const { stop } of ours) stop?.abort(refusal());
      // At once, without waiting for anybody: links end now.
      let count = await store.deletePrefix(prefix, signal);
      await Promise.allSettled(ours.map(({ ended }) => ended));
      for (let more = 1; more > 0; count += more) more = await store.deletePrefix(prefix, signal);
      return count;
    },
  };
}

function refusal(): Failure {
  return new Failure("gallery-revoked", "This gallery was revoked while it was being put into the store.");
}
