import { Failure } from "../domain/failure.ts";
import { slugIn } from "../domain/layout.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * A store that takes nothing of a gallery that is revoked, whoever is at work on it, and whose `deletePrefix` of such a one also
 * waits for what was on its way at that moment: when it returns, nothing is under the prefix and nothing comes.
 */
export function revocableStore(store: ObjectStore, isRevoked: (slug: string) => boolean): ObjectStore {
  const underWay = new Map<Promise<unknown>, string>();
  async function taken<Result>(key: string, take: () => Promise<Result>): Promise<Result> {
    const slug = slugIn(key);
    if (slug === null) return take();
    if (isRevoked(slug))
      throw new Failure("gallery-revoked", "This gallery was revoked while it was being put into the store.");
    const taking = take();
    underWay.set(taking, slug);
    try {
      return await taking;
    } finally {
      underWay.delete(taking);
    }
  }
  return {
    ...store,
    put: (object, signal) => taken(object.key, async () => store.put(object, signal)),
    replace: (object, tag, signal) => taken(object.key, async () => store.replace(object, tag, signal)),
    async deletePrefix(prefix, signal) {
      // At once, without waiting for anybody: links end now.
      let count = await store.deletePrefix(prefix, signal);
      const gone = slugIn(prefix);
      if (gone === null || !isRevoked(gone)) return count;
      const ours = [...underWay].filter(([, slug]) => slug === gone).map(([taking]) => taking);
      await Promise.allSettled(ours);
      for (let more = 1; more > 0; count += more) more = await store.deletePrefix(prefix, signal);
      return count;
    },
  };
}
