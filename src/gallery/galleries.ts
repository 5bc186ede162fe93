import type { Gallery } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { readAssets } from "./assets.ts";
import { countChunks, packChunks } from "./chunks.ts";
import { packIndex } from "./contents.ts";
import { openTemplates, packPages, packShell, pageNumbers } from "./html.ts";
import type { Sign } from "./links.ts";
import { signAll } from "./links.ts";
import { picturesOf } from "./photo.ts";

export interface Galleries {
  /**
   * Everything a gallery consists of besides its renditions, in waves: each refers only to what is in the waves before it
   * and to renditions. An object is made when its turn comes, so that not all are held at once; waves are gone through in
   * order, each to its end. The same gallery with the same signatures is always the same bytes.
   */
  objects(gallery: Gallery, sign: Sign): Promise<readonly Iterable<NewObject>[]>;
}

/** Reads the templates once. They are part of the program, so a missing one is a bug. */
export function openGalleries({ templates }: { readonly templates: string }): Galleries {
  const assets = readAssets(templates);
  const render = openTemplates(templates);
  const shared = [assets.script, assets.library, assets.lightbox, assets.lightboxStyle];
  return {
    async objects(gallery, sign) {
      const wanted = [...shared.map(({ key }) => key), ...keysOf(gallery)];
      const links = await signAll(gallery.slug, wanted, sign);
      const versions: string[] = [];
      return [chunksAndPages(), index(), shell()];

      function* chunksAndPages() {
        yield* shared;
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
  };
}

/** Every key of a gallery that something in it links to. */
function keysOf(gallery: Gallery): string[] {
  const { slug, items } = gallery;
  return [
    keys.shell(slug),
    keys.index(slug),
    ...Array.from({ length: countChunks(gallery) }, (_, number) => keys.chunk(slug, number)),
    ...pageNumbers(gallery).map((number) => keys.page(slug, number)),
    ...items
      .filter((item) => picturesOf(item) !== null)
      .flatMap(({ hash }) => [keys.rendition(slug, hash, "thumb"), keys.rendition(slug, hash, "share")]),
  ];
}
