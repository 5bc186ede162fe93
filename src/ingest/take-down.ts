import { Failure } from "../domain/failure.ts";
import { keys, sessionFolder } from "../domain/layout.ts";
import type { Session } from "../domain/session.ts";
import { abandon } from "./gallery-name.ts";
import { inTurn } from "./in-turn.ts";
import type { Ports } from "./ports.ts";

type TakeDownPorts = Pick<Ports, "catalog" | "library" | "store" | "galleries">;

/**
 * Removes from the store what is left there of revoked galleries, with `only` those of one session, and writes into each
 * session's record that it is revoked, so that no rebuild brings it back. Originals and renditions in the library stay. One that
 * cannot be taken down holds up no other; what is left is done at the next call. Returns the names of the sessions whose galleries are gone, and the
 * gravest failure.
 */
export async function takeDown(
  ports: TakeDownPorts,
  signal: AbortSignal,
  only: Pick<Session, "id" | "slug"> | null = null,
): Promise<{ readonly gone: readonly string[]; readonly failure: Failure | null }> {
  const gone: string[] = [];
  const revoked = ports.catalog
    .toTakeDown()
    .filter(({ slug, session }) => only === null || session.id === only.id || slug === only.slug);
  const failure = await inTurn(revoked, async ({ slug, session }) => {
    await takeDownOne(slug, session, ports, signal);
    gone.push(session.name);
  });
  return { gone, failure };
}

/** The same for one gallery of a session. Throws `revoke-unfinished` when the access key may not, `remote-*`, and `disk-*`. */
async function takeDownOne(
  slug: string,
  session: Session,
  ports: TakeDownPorts,
  signal: AbortSignal,
): Promise<void> {
  const { store, galleries } = ports;
  const { sharing } = session;
  // Each for itself: what guests see ends also where the other stations' record cannot be read or listed.
  const steps = [
    async () => sharing && abandon(sharing.gallery, slug, { store, galleries }, signal),
    async () => store.deletePrefix(keys.gallery(slug), signal),
    async () => sharing && store.deletePrefix(keys.parts(slug), signal),
  ];
  const failure = await inTurn(steps, async (step) => {
    await step().catch((error: unknown) => {
      // A key that may not delete may put all the same: it says nothing of other galleries.
      if (!Failure.is(error) || error.code !== "remote-refused") throw error;
      const message = `Not everything of the revoked gallery of ${session.name} could be removed: ${error.message}`;
      throw new Failure("revoke-unfinished", message, { cause: error });
    });
  });
  if (failure !== null) throw failure;
  await writeDown(slug, session, ports);
}

async function writeDown(slug: string, session: Session, { catalog, library }: TakeDownPorts): Promise<void> {
  await library.writeRecord(sessionFolder(session), catalog.record(session));
  catalog.tookDown(slug);
}

/**
 * Takes down what came into a gallery after another station had revoked and deleted it. What cannot be done now is tried again at
 * the next `takeDown`, unless `isOurs` is false: then nothing came from here, and a key that may not delete need not.
 */
export async function takeDownAgain(
  slug: string,
  session: Session,
  isOurs: boolean,
  ports: TakeDownPorts,
  signal: AbortSignal,
): Promise<void> {
  try {
    await takeDownOne(slug, session, ports, signal);
  } catch (error) {
    if (!Failure.is(error, "session")) throw error;
    if (!isOurs && error.code === "revoke-unfinished") await writeDown(slug, session, ports);
  }
}
