import { keys, sessionFolder } from "../domain/layout.ts";
import type { Ports } from "./ports.ts";

/**
 * Removes from the store what is left there of revoked galleries, and writes into each session's record that it is revoked, so
 * that no rebuild brings it back. Originals and renditions in the library stay. What is interrupted is done at the next call.
 * Returns the names of their sessions. Throws `remote-*`, `disk-*`.
 */
export async function takeDown(
  { catalog, library, store }: Pick<Ports, "catalog" | "library" | "store">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { slug, session } of catalog.toTakeDown()) {
    await store.deletePrefix(keys.shell(slug), signal);
    await library.writeRecord(sessionFolder(session), catalog.record(session));
    catalog.tookDown(slug);
    names.push(session.name);
  }
  return names;
}
