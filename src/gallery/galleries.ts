import type { Gallery } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { readAssets } from "./assets.ts";
import { CHUNK_ENTRIES, packChunks } from "./chunks.ts";
import { packIndex } from "./contents.ts";
import { openTemplates, packPages, packShell, pageNumbers } from "./html.ts";
import type { Sign } from "./links.ts";
import { signAll } from "./links.ts";
import { picturesOf } from "./photo.ts";

export interface Galleries {
  /**
   * Everything a gallery consists of besides its renditions, in waves: each refers only to what is in the waves before it
   * and to renditions. The same gallery with the same signatures is always the same bytes.
   */
  objects(gallery: Gallery, sign: Sign): Promise<readonly (readonly NewObject[])[]>;
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
      const chunks = packChunks(gallery, links);
      const pages = packPages(gallery, assets, links, render);
      return [
        [...shared, ...chunks.map(({ object }) => object), ...pages],
        [packIndex(gallery, chunks, assets, links)],
        [packShell(gallery, assets, links, render)],
      ];
    },
  };
}

/** Every key of a gallery that something in it links to. */
function keysOf(gallery: Gallery): string[] {
  const { slug, items } = gallery;
  const chunkCount = Math.ceil(items.length / CHUNK_ENTRIES);
  return [
    keys.shell(slug),
    keys.index(slug),
    ...Array.from({ length: chunkCount }, (_, number) => keys.chunk(slug, number)),
    ...pageNumbers(gallery).map((number) => keys.page(slug, number)),
    ...items
      .filter((item) => picturesOf(item) !== null)
      .flatMap(({ hash }) => [keys.rendition(slug, hash, "thumb"), keys.rendition(slug, hash, "share")]),
  ];
}
