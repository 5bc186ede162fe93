import type { GalleryState } from "../domain/gallery.ts";
import type { Session } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { linksNow } from "./links.ts";
import type { Ports } from "./ports.ts";
import { putChanged } from "./put-changed.ts";
import { putShared } from "./put-shared.ts";
import { zipsInStore } from "./zip-object.ts";

export interface Published {
  readonly link: string;
  /** What the gallery shows, of a shared one all stations' together. */
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
  if (session.sharing !== null)
    return putShared(session, session.sharing, state, title, endsMs, ports, signal);
  const { catalog, store, galleries } = ports;
  const { items, expected } = tiles(catalog.delivered(session.id));
  if (items.length === 0 && state === "uploading") return null;
  const gallery = {
    slug: session.slug,
    shared: null,
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
