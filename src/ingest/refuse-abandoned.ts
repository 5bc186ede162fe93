import { Failure } from "../domain/failure.ts";
import type { Session, Sharing } from "../domain/session.ts";
import { slugOf } from "./gallery-name.ts";
import type { Ports } from "./ports.ts";
import { takeDownAgain } from "./take-down.ts";

/**
 * Throws `gallery-gone` unless the stations still mean the gallery of this session by its name. Where the name stands for another
 * one, a station has revoked this one, and cannot know what came into the store after it had looked there: so whoever finds
 * out puts nothing more into it, and takes down what is there. Whoever is told after its last put that the name stands, has put
 * nothing that the revoking station will not find: a name is given up before anything is deleted. `hasPut` says whether the caller
 * has put something since it was told so last.
 */
export async function refuseAbandoned(
  session: Session,
  { gallery }: Sharing,
  ports: Ports,
  signal: AbortSignal,
  hasPut: boolean,
): Promise<void> {
  const named = await slugOf(gallery, ports, signal);
  if (named === session.slug) return;
  if (named !== null) {
    const wasFilling = ports.catalog.leaveGallery(session.id, session.slug);
    await takeDownAgain(session.slug, session, hasPut || wasFilling, ports, signal);
  }
  throw new Failure("gallery-gone", `The shared gallery "${gallery}" was revoked.`);
}
