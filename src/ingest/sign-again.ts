import { Failure } from "../domain/failure.ts";
import { inTurn } from "./in-turn.ts";
import { linksNow } from "./links.ts";
import type { Ports } from "./ports.ts";
import { putGallery } from "./publish.ts";

/**
 * Signs again the links in every complete gallery whose link still opens, and puts what changed by that under the same keys: once
 * a day, and when keys, store or way of sharing have changed. A gallery that cannot be signed holds up no other; it is tried
 * again at the next call. Returns the names of those that were signed, none when all are as they should be, and the gravest failure.
 */
export async function signAgain(
  title: string,
  ports: Ports,
  signal: AbortSignal,
  nowMs: () => number = Date.now,
): Promise<{ readonly signed: readonly string[]; readonly failure: Failure | null }> {
  const { catalog, store } = ports;
  const signed: string[] = [];
  const failure = await inTurn(catalog.published(), async ({ session, signedWith, linkEndsMs }) => {
    const now = await linksNow(session, store);
    if (now.signedWith === signedWith) return;
    // The link that guests have opens nothing any more: until it is renewed nobody can see what would be signed.
    if (linkEndsMs !== null && linkEndsMs <= nowMs() && now.endsMs !== null) return;
    const endsMs = now.endsMs === null ? null : (linkEndsMs ?? now.endsMs);
    try {
      await putGallery(session, "complete", title, endsMs, ports, signal);
      signed.push(session.name);
    } catch (error) {
      // There is nothing to sign, here or tomorrow.
      if (!(error instanceof Failure) || error.code !== "gallery-gone") throw error;
    }
    catalog.linksPut(session.id, now.signedWith, endsMs);
  });
  return { signed, failure };
}
