import { randomBytes } from "node:crypto";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import type { Ports } from "./ports.ts";

/** Of several that give it up at once one wins, which the next look sees. */
const MAX_TRIES = 3;

/** What a name stands for; `null` when no station has made that gallery, or one has revoked it. */
export async function slugOf(
  gallery: string,
  { store, galleries }: Pick<Ports, "store" | "galleries">,
  signal: AbortSignal,
): Promise<string | null> {
  const bytes = await store.get(keys.galleryNamed(gallery), signal);
  return bytes && galleries.shared.slugIn(bytes);
}

/** From now on the name of a revoked gallery stands for another one: no station that looks puts anything into this one again. */
export async function abandon(
  gallery: string,
  slug: string,
  { store, galleries }: Pick<Ports, "store" | "galleries">,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await store.getTagged(keys.galleryNamed(gallery), signal);
    if (found === null || galleries.shared.slugIn(found.bytes) !== slug) return;
    if (await store.replace(galleries.shared.name(gallery, newSlug()), found.tag, signal)) return;
  }
  throw new Failure(
    "remote-unreachable",
    `The store kept the shared gallery "${gallery}" from being given up.`,
  );
}

export const newSlug = () => randomBytes(16).toString("base64url");
