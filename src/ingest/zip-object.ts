import { createHash } from "node:crypto";
import { Failure } from "../domain/failure.ts";
import type { GalleryItem, ZipPart } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { isInStore } from "./in-store.ts";
import type { Ports } from "./ports.ts";

/**
 * The zips of a gallery if each of them is in the store, else none: guests are not shown half of what they ask for. A key
 * stands for all that is in a zip, so that one of an earlier list is never shown.
 */
export async function zipsInStore(
  session: Session,
  items: readonly GalleryItem[],
  ports: Ports,
  signal: AbortSignal,
): Promise<readonly ZipPart[]> {
  const { catalog, galleries } = ports;
  const zips = galleries.zips(session, items);
  if (catalog.isRebuilt(session.id))
    for (const zip of zips)
      if (await isInStore(session, await zipObject(session, zip, ports, signal), ports, signal))
        catalog.claimZip(session.id, zip.key);
  return zips.every(({ key }) => catalog.objectHash(key) !== null) ? zips : [];
}

/** A zip as an object, read through once for its checksum. It is never whole in memory or on disk. Throws `remote-*`, `disk-*`. */
export async function zipObject(
  session: Session,
  zip: ZipPart,
  { galleries, pictures, store }: Ports,
  signal: AbortSignal,
): Promise<NewObject> {
  /** Renditions are a cache: where one is gone or rotten, the store has it as guests see it. */
  async function read({ hash, rendition }: ZipPart["entries"][number]): Promise<Uint8Array> {
    signal.throwIfAborted();
    const key = keys.rendition(session.slug, hash, rendition.preset);
    const bytes = (await pictures.readRendition(hash, rendition)) ?? (await store.get(key, signal));
    if (bytes === null || sha256(bytes) !== rendition.sha256)
      throw new Failure("remote-corrupt", `The store no longer has ${key} as it was put there.`);
    return bytes;
  }

  const make = () => galleries.zipBytes(zip, read);
  const hash = createHash("sha256");
  for await (const bytes of make()) hash.update(bytes);
  return {
    key: zip.key,
    body: { make },
    sizeBytes: zip.sizeBytes,
    sha256: hash.digest("hex"),
    contentType: "application/zip",
    cacheControl: CACHE_FOREVER,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
