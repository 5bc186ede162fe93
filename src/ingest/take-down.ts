import { keys, sessionFolder } from "../domain/layout.ts";
import { abandon } from "./join.ts";
import type { Ports } from "./ports.ts";

/**
 * Removes from the store what is left there of revoked galleries, and writes into each session's record that it is revoked, so
 * that no rebuild brings it back. Originals and renditions in the library stay. What is interrupted is done at the next call.
 * Returns the names of their sessions. Throws `remote-*`, `disk-*`.
 */
export async function takeDown(
  ports: Pick<Ports, "catalog" | "library" | "store" | "galleries">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { catalog, library, store } = ports;
  const names: string[] = [];
  for (const { slug, session } of catalog.toTakeDown()) {
    if (session.sharing !== null) await abandon(session.sharing.gallery, slug, ports, signal);
    await store.deletePrefix(keys.shell(slug), signal);
    if (session.sharing !== null) await store.deletePrefix(keys.parts(slug), signal);
    await library.writeRecord(sessionFolder(session), catalog.record(session));
    catalog.tookDown(slug);
    names.push(session.name);
  }
  return names;
}
