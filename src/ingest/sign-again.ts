import { Failure } from "../domain/failure.ts";
import { linksNow } from "./links.ts";
import type { Ports } from "./ports.ts";
import { putGallery } from "./publish.ts";

/**
 * Signs the links in every complete gallery anew whose link still opens, and puts what changed by that under the same keys: once
 * a day, and when keys, store or way of sharing have changed. Returns the names of their sessions; nothing is put, and none
 * returned, when all are as they should be. Throws what `publish` throws; what is left is done at the next call.
 */
export async function signAgain(
  title: string,
  ports: Ports,
  signal: AbortSignal,
  nowMs: () => number = Date.now,
): Promise<readonly string[]> {
  const { catalog, store } = ports;
  const names: string[] = [];
  for (const { session, signedWith, linkEndsMs } of catalog.published()) {
    const now = await linksNow(session, store);
    if (now.signedWith === signedWith) continue;
    // The link that guests have opens nothing any more: until it is renewed nobody can see what would be signed.
    if (linkEndsMs !== null && linkEndsMs <= nowMs() && now.endsMs !== null) continue;
    const endsMs = now.endsMs === null ? null : (linkEndsMs ?? now.endsMs);
    try {
      await putGallery(session, "complete", title, endsMs, ports, signal);
    } catch (error) {
      // Revoked by another station: there is nothing to sign, here or tomorrow.
      if (!(error instanceof Failure) || error.code !== "gallery-gone") throw error;
    }
    catalog.linksPut(session.id, now.signedWith, endsMs);
    names.push(session.name);
  }
  return names;
}
