import { pMapIterable } from "p-map";
import type { GalleryState } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { linkTo } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import type { Ports } from "./ports.ts";

/** Objects of a gallery are small: so many at once keep a slow uplink busy without holding much memory. */
const PUTS_AT_ONCE = 8;

export interface Published {
  readonly link: string;
  readonly tiles: number;
}

/**
 * Puts the gallery of a session into the store as it is now: only from files that are there, only objects that changed,
 * what others refer to first; without a `title` it is named after card and day. On return the link opens and shows it; `null` while there is nothing to show.
 */
export async function publish(
  session: Session,
  state: GalleryState,
  title: string,
  ports: Ports,
  signal: AbortSignal,
): Promise<Published | null> {
  const { catalog, store, galleries } = ports;
  const { items, expected } = tiles(catalog.delivered(session.id));
  if (items.length === 0 && state === "uploading") return null;
  const shell = keys.shell(session.slug);
  const links = await store.sign([shell]);
  const gallery = {
    slug: session.slug,
    title: title || defaultTitle(session),
    state,
    items,
    expected,
    availableUntilMs: links.expiresMs,
  };
  for (const wave of await galleries.objects(gallery, store.sign)) await putChanged(wave, ports, signal);
  catalog.markPublished(session.id, state === "complete");
  return { link: linkTo(links, shell, 0), tiles: items.length };
}

/** The link of a gallery that is in the store already. */
export async function linkOf(session: Session, store: Ports["store"]): Promise<string> {
  const shell = keys.shell(session.slug);
  return linkTo(await store.sign([shell]), shell, 0);
}

async function putChanged(
  wave: readonly NewObject[],
  { catalog, store }: Ports,
  signal: AbortSignal,
): Promise<void> {
  const changed = wave.filter((object) => catalog.objectHash(object.key) !== object.sha256);
  const puts = pMapIterable(
    changed,
    async (object) => {
      await store.put(object, signal);
      return object;
    },
    { concurrency: PUTS_AT_ONCE },
  );
  for await (const object of puts) catalog.recordObjects([object]);
}
