import type { GalleryItem, GalleryState } from "../domain/gallery.ts";
import { coverOf, SCREEN_TILES } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { linksNow } from "./links.ts";
import type { Ports } from "./ports.ts";
import { putChanged } from "./put-changed.ts";
import { putShared } from "./put-shared.ts";
import { refuseRevoked } from "./refuse-revoked.ts";
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
  refuseRevoked(session, ports);
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
  // Before that nobody is sent the link, and the first photos are not to wait for it.
  const isShown = state === "complete" || items.length >= SCREEN_TILES;
  const preview = isShown ? await putPreview(session, items, ports, signal) : null;
  const gallery = {
    slug: session.slug,
    shared: null,
    title: title || defaultTitle(session),
    state,
    items,
    expected,
    preview,
    availableUntilMs: endsMs,
    zips: state === "complete" ? await zipsInStore(session, items, ports, signal) : [],
  };
  for (const wave of await galleries.objects(gallery, store.sign))
    await putChanged(session, wave, ports, signal);
  return items.length;
}

/** Puts what a messenger shows beside the link, unless it is there. Returns its key; `null` when there is to be none. */
async function putPreview(
  session: Session,
  items: readonly GalleryItem[],
  ports: Ports,
  signal: AbortSignal,
): Promise<string | null> {
  const { catalog, pictures } = ports;
  const cover = coverOf(items);
  if (cover === null) return null;
  const key = keys.preview(session.slug, cover.hash);
  // Its name says what it was made from.
  if (catalog.objectHash(key) !== null) return key;
  const made = await pictures.preview(cover.hash, signal);
  if (made === null) return null;
  const { bytes, sha256 } = made;
  const body = { body: { bytes }, sizeBytes: bytes.length, sha256 };
  const object = { key, ...body, contentType: "image/jpeg", cacheControl: CACHE_FOREVER };
  await putChanged(session, [object], ports, signal);
  return key;
}

/** The link of a gallery that is in the store already. */
export async function linkOf(session: Session, store: Pick<Ports["store"], "sign">): Promise<string> {
  return (await linksNow(session, store)).link;
}
