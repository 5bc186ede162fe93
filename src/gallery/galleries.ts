import type { Gallery, GalleryItem, ZipPart } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import { readAssets } from "./assets.ts";
import { countChunks, packChunks } from "./chunks.ts";
import { packIndex } from "./contents.ts";
import { openTemplates, packPages, packShell, pageNumbers } from "./html.ts";
import type { Sign } from "./links.ts";
import { signAll } from "./links.ts";
import { picturesOf } from "./photo.ts";
import { shared } from "./shared.ts";
import { zipBytes } from "./zip.ts";
import { planZips, ZIP_BYTES } from "./zip-parts.ts";

export interface Galleries {
  /** What all galleries have in common, and `objects` gives first; it refers to nothing. */
  readonly assets: readonly NewObject[];
  /**
   * Everything a gallery consists of besides its renditions, in waves: each refers only to what is in the waves before it
   * and to renditions. An object is made when its turn comes, so that not all are held at once; waves are gone through in
   * order, each to its end. The same gallery with the same signatures is always the same bytes.
   */
  objects(gallery: Gallery, sign: Sign): Promise<readonly Iterable<NewObject>[]>;
  /** All pictures of a gallery as files to download; none when there are to be none. */
  zips(session: Pick<Session, "slug" | "label" | "day">, items: readonly GalleryItem[]): readonly ZipPart[];
  /** The bytes of such a file, the same each time; `read` gives those of a rendition. */
  zipBytes(
    part: ZipPart,
    read: (entry: ZipPart["entries"][number]) => Promise<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
  /** What several stations tell each other of one gallery. */
  readonly shared: typeof shared;
}

interface Options {
  readonly templates: string;
  /** How large a zip of pictures may be, if not as large as is good for phones; 0 when there are to be none. */
  readonly zipBytes?: number;
}

/** Reads the templates once. They are part of the program, so a missing one is a bug. */
export function openGalleries({ templates, zipBytes: limitBytes = ZIP_BYTES }: Options): Galleries {
  const assets = readAssets(templates);
  const render = openTemplates(templates);
  const forAll = [assets.script, assets.library, assets.lightbox, assets.lightboxStyle];
  return {
    shared,
    assets: forAll,
    async objects(gallery, sign) {
      const wanted = [...forAll.map(({ key }) => key), ...keysOf(gallery)];
      const links = await signAll(gallery.slug, wanted, sign);
      const versions: string[] = [];
      return [chunksAndPages(), index(), shell()];

      function* chunksAndPages() {
        yield* forAll;
        yield* packChunks(gallery, links, versions);
        yield* packPages(gallery, assets, links, render);
      }
      function* index() {
        if (versions.length < countChunks(gallery)) throw new Error("the index comes after its chunks");
        yield packIndex(gallery, versions, assets, links);
      }
      function* shell() {
        yield packShell(gallery, assets, links, render);
      }
    },
    zips: (session, items) => (limitBytes === 0 ? [] : planZips(session, items, limitBytes)),
    zipBytes: ({ entries }, read) => zipBytes(entries, read),
  };
}

/** Every key of a gallery that something in it links to. */
function keysOf(gallery: Gallery): string[] {
  const { slug, items, zips, preview } = gallery;
  return [
    keys.shell(slug),
    ...(preview === null ? [] : [preview]),
    keys.index(slug),
    ...Array.from({ length: countChunks(gallery) }, (_, number) =>
      keys.chunk(slug, number, gallery.shared?.author),
    ),
    ...pageNumbers(gallery).map((number) => keys.page(slug, number, gallery.shared?.author)),
    ...zips.map(({ key }) => key),
    ...items
      .filter((item) => picturesOf(item) !== null)
      .flatMap(({ hash }) => [keys.rendition(slug, hash, "thumb"), keys.rendition(slug, hash, "share")]),
  ];
}
