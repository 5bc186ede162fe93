import type { Gallery, GalleryItem, ZipPart } from "../domain/gallery.ts";
import type { NewObject, SignedLinks } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import type { SharedGalleriesPort } from "./shared-port.ts";

/** The bytes that show pictures to guests. */
export interface GalleriesPort {
  readonly shared: SharedGalleriesPort;
  /** What all galleries have in common, and `objects` gives first; it refers to nothing. */
  readonly assets: readonly NewObject[];
  /**
   * Everything the gallery consists of besides its renditions, in waves: when one wave is in the store before the next is
   * begun, no reader ever sees a dangling entry (chunks, pages and assets; then the index; then the shell). An object is
   * made when its turn comes.
   */
  objects(
    gallery: Gallery,
    sign: (keys: readonly string[]) => Promise<SignedLinks>,
  ): Promise<readonly Iterable<NewObject>[]>;
  /** All pictures of a gallery as files to download, by its rows alone; none when there are to be none. */
  zips(session: Session, items: readonly GalleryItem[]): readonly ZipPart[];
  /** The bytes of such a file, the same each time; `read` gives those of a rendition. */
  zipBytes(
    part: ZipPart,
    read: (entry: ZipPart["entries"][number]) => Promise<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
}
