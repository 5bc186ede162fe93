import { countShown } from "../domain/gallery.ts";
import type { SessionId } from "../domain/session.ts";
import { tiles } from "../domain/tiles.ts";
import { sayShown } from "../gallery/words.ts";
import type { Ports } from "../ingest/ports.ts";

/** `52 photos, 1 video`: what can be seen of a session now, in the words of its gallery. */
export function shownInWords(catalog: Pick<Ports["catalog"], "delivered">, id: SessionId): string {
  return sayShown(countShown(tiles(catalog.delivered(id)).items));
}
