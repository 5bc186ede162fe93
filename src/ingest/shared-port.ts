import type { GalleryItem } from "../domain/gallery.ts";
import type { NewObject } from "../domain/object.ts";
import type { Part } from "../domain/part.ts";
import type { Session, SessionId } from "../domain/session.ts";

/** What the catalog knows of galleries that several stations fill. */
export interface SharedCatalogPort {
  /**
   * Writes down which gallery the stations have agreed on. When that is another one than before, that one was revoked: it is left,
   * everything is put into the new one again, and its slug is returned.
   */
  joinGallery(session: SessionId, slug: string): string | null;
  /**
   * Another station has revoked a session's gallery: nothing of it is put any more, and what is there is to be taken down. What
   * was not complete in it goes to the next gallery of that name. Returns whether there was something of that kind.
   */
  leaveGallery(session: SessionId, slug: string): boolean;
  /** The sessions that are this station's part of a shared gallery. */
  partOf(session: Session): readonly { readonly id: SessionId; readonly isPublished: boolean }[];
  /** Whether the store knows more of this station's part than these rows do, since they are being rebuilt from the library. */
  isPartRebuilt(session: Session): boolean;
}

/** What several stations tell each other through the store. Reading throws `remote-corrupt` for what is not whole. */
export interface SharedGalleriesPort {
  /** Which gallery a name stands for. */
  name(name: string, slug: string): NewObject;
  slugIn(bytes: Uint8Array): string;
  /** What a station has brought, in waves as a gallery: chunks that never change, then the head that names them. */
  part(slug: string, part: Part): readonly Iterable<NewObject>[];
  head(bytes: Uint8Array): Pick<Part, "state" | "pending"> & {
    /** Changes with the content, one for each chunk. */
    readonly versions: readonly string[];
  };
  items(bytes: Uint8Array): readonly GalleryItem[];
  /** 16 hex digits that tell these values from any others. */
  version(...shown: unknown[]): string;
  /** What an index was made of, the parts of which stations that was, and whose chunks it names. */
  index(bytes: Uint8Array): {
    readonly version: string | null;
    readonly stations: readonly string[];
    readonly author: string;
  };
  /** What a shell was made of. */
  shellVersion(bytes: Uint8Array): string | null;
}
