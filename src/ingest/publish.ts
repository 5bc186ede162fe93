import { pMapIterable } from "p-map";
import type { GalleryState } from "../domain/gallery.ts";
import type { NewObject } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { isInStore } from "./in-store.ts";
import { linksNow } from "./links.ts";
import type { Ports } from "./ports.ts";
import { zipsInStore } from "./zip-object.ts";

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
  const { catalog, store } = ports;
  const links = await linksNow(session, store);
  const count = await putGallery(session, state, title, links.endsMs, ports, signal);
  if (count === null) return null;
  if (state === "complete") catalog.linksPut(session.id, links.signedWith, links.endsMs);
  catalog.markPublished(session.id, state === "complete");
  return { link: links.link, tiles: count };
}

/**
 * Puts what changed of a gallery; its pages say that it can be seen until `endsMs`. Returns how many photos it shows, `null` when
 * there is nothing to show.
 */
export async function putGallery(
  session: Session,
  state: GalleryState,
  title: string,
  endsMs: number | null,
  ports: Ports,
  signal: AbortSignal,
): Promise<number | null> {
  const { catalog, store, galleries } = ports;
  const { items, expected } = tiles(catalog.delivered(session.id));
  if (items.length === 0 && state === "uploading") return null;
  const gallery = {
    slug: session.slug,
    title: title || defaultTitle(session),
    state,
    items,
    expected,
    availableUntilMs: endsMs,
    zips: state === "complete" ? await zipsInStore(session, items, ports, signal) : [],
  };
  for (const wave of await galleries.objects(gallery, store.sign))
    await putChanged(session, wave, ports, signal);
  return items.length;
}

/** The link of a gallery that is in the store already. */
export async function linkOf(session: Session, store: Pick<Ports["store"], "sign">): Promise<string> {
  return (await linksNow(session, store)).link;
}

async function putChanged(
  session: Session,
  wave: Iterable<NewObject>,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, store } = ports;
  const puts = pMapIterable(
    wave,
    async (object) => {
      if (await isInStore(session.id, object, ports, signal)) return null;
      // Chunks, index and shell keep their keys: the claim of the old bytes would survive a crash just after the new ones.
      if (catalog.objectHash(object.key) !== null) catalog.forgetObject(object.key);
      await store.put(object, signal);
      return object;
    },
    { concurrency: PUTS_AT_ONCE },
  );
  for await (const object of puts) if (object !== null) catalog.recordObjects([object]);
}
