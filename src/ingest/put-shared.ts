import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../domain/failure.ts";
import type { Gallery, GalleryState } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import type { Part } from "../domain/part.ts";
import { mergeParts } from "../domain/part.ts";
import type { Session, Sharing } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { partsOf } from "./parts.ts";
import type { Ports } from "./ports.ts";
import { putChanged } from "./put-changed.ts";
import { refuseAbandoned } from "./refuse-abandoned.ts";

/** Whoever is overtaken has been so by another's success; so often in a row means that the store never lets us win. */
const MAX_TRIES = 100;
/** Two that were overtaken by each other should not come back at the same moment. */
const LONGEST_PAUSE_MS = 300;

/** Any hash: what is asked is how long the links of pictures live. */
const ANY_HASH = "0".repeat(64);

/**
 * Puts what changed of a gallery that several stations fill. This station's part goes up first, under keys only it writes. Then, as often
 * as another station is quicker: look at the index, which names all stations so far, read their parts, put chunks where the
 * index has none, and replace it if it is still the one we looked at. So whoever replaced it last has read every part that was up
 * before any earlier replacement, and no index ever names a chunk that is not as it says: no update is lost, whatever dies where.
 * Returns how many photos it shows, ours among them; `null` while we have nothing to show.
 */
export async function putShared(
  session: Session,
  sharing: Sharing,
  state: GalleryState,
  title: string,
  endsMs: number | null,
  ports: Ports,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, galleries } = ports;
  const { slug } = session;
  const { shared } = galleries;
  const [shellKey, indexKey] = [keys.shell(slug), keys.index(slug)];
  const own = await readable(async () => ownPart(session, sharing, state, ports, signal));
  if (own.items.length === 0 && state === "uploading") return null;
  await refuseAbandoned(session, sharing, ports, signal, false);
  for (const wave of shared.part(slug, own)) await putChanged(session, wave, ports, signal);

  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (tries > 0) {
      await delay(Math.random() * LONGEST_PAUSE_MS, undefined, { signal });
      await refuseAbandoned(session, sharing, ports, signal, true);
    }
    // The shell first: one that was made of an older index is then replaced, not taken for ours.
    const shell = await store.getTagged(shellKey, signal);
    const index = await store.getTagged(indexKey, signal);
    const seen = index && shared.index(index.bytes);
    const gallery = await readable(async () => whole(seen?.stations ?? [], seen?.author ?? ""));
    const isIndexNew = seen?.version !== gallery.shared?.version;
    const isShellNew = shell === null || shared.shellVersion(shell.bytes) !== gallery.shared?.version;
    if (isIndexNew || isShellNew) {
      const [rest = [], newIndex = [], newShell = []] = await galleries.objects(gallery, store.sign);
      await putChanged(session, rest, ports, signal);
      if (isIndexNew && !(await replace(newIndex, index))) continue;
      if (isShellNew && !(await replace(newShell, shell))) continue;
    }
    // Who revoked it meanwhile may have deleted all of it before the last put, which then made it again.
    await refuseAbandoned(session, sharing, ports, signal, true);
    return gallery.items.length;
  }
  throw new Failure("remote-unreachable", `Other stations kept replacing the index of "${sharing.gallery}".`);

  /** What was lost between the look at a head and at what it names was most likely deleted by who revoked it all. */
  async function readable<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof Failure && error.code === "remote-corrupt")
        await refuseAbandoned(session, sharing, ports, signal, true);
      throw error;
    }
  }

  async function whole(known: readonly string[], authorNow: string): Promise<Gallery> {
    const { station } = sharing;
    const others = known.filter((name) => name !== station);
    const stations = [...others, station].toSorted();
    const merged = mergeParts([own, ...(await partsOf(slug, ports).read(others, signal))]);
    const shown = { slug, title: title || sharing.gallery, ...merged };
    // Links are renewed each day, by whichever station comes first.
    const { expiresMs } = await store.sign([keys.rendition(slug, ANY_HASH, "share")]);
    const version = shared.version(shown, stations, expiresMs);
    // Of two places the one that guests are not looking at.
    const author = authorNow === `${station}-0` ? `${station}-1` : `${station}-0`;
    // No preview: the first picture may be another station's, and all have to make the same page.
    return {
      ...shown,
      availableUntilMs: endsMs,
      zips: [],
      preview: null,
      shared: { author, stations, version },
    };
  }

  async function replace(
    wave: Iterable<NewObject>,
    before: { readonly tag: string } | null,
  ): Promise<boolean> {
    for (const object of wave) if (!(await store.replace(object, before?.tag ?? null, signal))) return false;
    return true;
  }
}

/** What this station has brought: the files of all its sessions in this gallery that are in the store. */
async function ownPart(
  session: Session,
  { station }: Sharing,
  state: GalleryState,
  ports: Ports,
  signal: AbortSignal,
): Promise<Part> {
  const { catalog } = ports;
  const sessions = catalog.partOf(session).map(({ id, isPublished }): Part => {
    const { items, expected } = tiles(catalog.delivered(id));
    const isWhole = id === session.id ? state === "complete" : isPublished;
    return { station, state: isWhole ? "complete" : "uploading", items, pending: expected - items.length };
  });
  // While rows are rebuilt from the library, the store knows more than they do: nothing may vanish from the page and come back.
  const isMore = catalog.isPartRebuilt(session);
  const stored = isMore ? await partsOf(session.slug, ports).read([station], signal) : [];
  return {
    station,
    items: mergeParts([...sessions, ...stored]).items,
    state: mergeParts(sessions).state,
    pending: sessions.reduce((sum, { pending }) => sum + pending, 0),
  };
}
