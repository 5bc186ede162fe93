import type { Place } from "./places.ts";

/**
 * Knows mounts whose medium was changed below them: what they show is partly of the card before, without an error. They stay
 * what they are until they are unmounted.
 */
export function openStaleMounts() {
  /** Which medium a mount was first seen on, by its number and folder. */
  const media = new Map<string, string>();
  const remounted = new Set<string>();
  return {
    /** Something was mounted or unmounted there: the kernel gives the number of a mount that is gone to the next one. */
    changed(target: string): void {
      remounted.add(target);
    },

    /** Of what is there now, what can be believed. */
    without(places: readonly Place[]): Place[] {
      for (const { mount, root } of places)
        if (mount !== null && remounted.has(root)) media.delete(keyOf(mount, root));
      remounted.clear();
      const present = new Set<string>();
      const believed = places.filter(({ mount, root }) => {
        if (mount === null) return true;
        const key = keyOf(mount, root);
        present.add(key);
        if (!media.has(key)) media.set(key, mount.sequence);
        return media.get(key) === mount.sequence;
      });
      for (const key of media.keys()) if (!present.has(key)) media.delete(key);
      return believed;
    },
  };
}

function keyOf({ id, device }: NonNullable<Place["mount"]>, root: string): string {
  return `${id} ${device} ${root}`;
}
