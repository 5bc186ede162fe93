import type { ObjectStore } from "./object-store.ts";

/**
 * One store of two: what `isOpen` goes to `open`, all else to `closed`, which also signs. So a bucket with pictures can refuse
 * all public access, and pages open from another one.
 */
export function splitStore(
  closed: ObjectStore,
  open: ObjectStore,
  isOpen: (key: string) => boolean,
): ObjectStore {
  const storeOf = (key: string) => (isOpen(key) ? open : closed);
  return {
    async check(signal) {
      await closed.check(signal);
      await open.check(signal);
    },
    put: async (object, signal) => storeOf(object.key).put(object, signal),
    has: async (key, signal) => storeOf(key).has(key, signal),
    get: async (key, signal) => storeOf(key).get(key, signal),
    getTagged: async (key, signal) => storeOf(key).getTagged(key, signal),
    replace: async (object, tag, signal) => storeOf(object.key).replace(object, tag, signal),
    async *list(prefix, signal) {
      yield* closed.list(prefix, signal);
      yield* open.list(prefix, signal);
    },
    async deletePrefix(prefix, signal) {
      // The pages first: without them nobody comes to ask for the pictures.
      const pages = await open.deletePrefix(prefix, signal);
      return pages + (await closed.deletePrefix(prefix, signal));
    },
    sweep: async (signal) => (await closed.sweep(signal)) + (await open.sweep(signal)),
    isOffsite: closed.isOffsite,
    base: closed.base,
    sign: closed.sign,
    async close() {
      await Promise.all([closed.close(), open.close()]);
    },
  };
}
