import type { VolumeId } from "../domain/card.ts";

/** What the catalog knows of a card that looks as it did when everything on it was kept. */
export interface KnownCardPort {
  /** `digest` is that of an `Inventory`; `null` when there is none, or what is known of the volume has changed since. */
  keptListing(volume: VolumeId): { readonly digest: string; readonly files: number } | null;
  /** Says that everything on a volume that looks like this is kept. */
  keepListing(volume: VolumeId, digest: string, files: number): void;
  /** The originals of all that is known of a volume; as sound as when they were last read back, while there is a kept listing. */
  originalsOf(volume: VolumeId): readonly { readonly path: string; readonly sizeBytes: number }[];
}
