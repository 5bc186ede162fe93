import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import type { Session } from "../domain/session.ts";
import { keepsConditions } from "../flow/conditions.ts";
import { newSlug, slugOf } from "./gallery-name.ts";
import type { Ports } from "./ports.ts";
import { takeDownAgain } from "./take-down.ts";

type JoinPorts = Pick<Ports, "catalog" | "library" | "store" | "galleries">;

/**
 * The session with the slug that all stations of its gallery have agreed on: whoever comes first makes one up, the store lets
 * one win, and everybody else reads what that one wrote. A gallery of its own needs no agreement. Throws `remote-*`.
 */
export async function join(session: Session, ports: JoinPorts, signal: AbortSignal): Promise<Session> {
  const { catalog, store, galleries } = ports;
  if (session.sharing === null) return session;
  const { gallery } = session.sharing;
  let slug = await slugOf(gallery, ports, signal);
  if (slug === null) {
    await assertOneWins(session.sharing.station, ports, signal);
    const ours = galleries.shared.name(gallery, newSlug());
    await store.replace(ours, null, signal);
    slug = await slugOf(gallery, ports, signal);
  }
  if (slug === null)
    throw new Failure("gallery-gone", `The shared gallery "${gallery}" was removed while it was made.`);
  const left = catalog.joinGallery(session.id, slug);
  const joined = { ...session, slug };
  // What we were about to put there when we were stopped may have come after it was revoked.
  if (left !== null) await takeDownAgain(left, joined, true, ports, signal);
  return joined;
}

/** A store that lets two win would lose one station's photos from the page, silently; some do not know conditions at all. */
async function assertOneWins(
  station: string,
  { store, galleries }: Pick<Ports, "store" | "galleries">,
  signal: AbortSignal,
): Promise<void> {
  const trial = { ...galleries.shared.name("", station), key: keys.trial(station) };
  await store.put(trial, signal);
  const there = await store.getTagged(trial.key, signal);
  if (!(await keepsConditions(there?.tag ?? "", async (tag) => store.replace(trial, tag, signal))))
    throw new Failure(
      "remote-unconditional",
      "This store does not keep to conditional writes (If-Match, If-None-Match), by which stations agree on what a shared gallery shows.",
    );
}
