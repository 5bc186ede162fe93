import type { ObjectStore } from "./object-store.ts";

/**
 * Signs as `sign` does, but for what `isOpen`: its links are plain addresses below `base`, which somebody else than a signature
 * opens (a policy of the bucket, a network that delivers its content). When every key is open nothing is signed at all, so
 * that neither keys nor a clock are needed.
 */
export function withOpenLinks(
  sign: ObjectStore["sign"],
  base: string,
  isOpen: (key: string) => boolean,
): ObjectStore["sign"] {
  const openBase = base.endsWith("/") ? base : `${base}/`;
  return async (keys) => {
    const closed = keys.filter((key) => !isOpen(key));
    if (closed.length === 0) {
      const signatures = keys.map(() => "");
      return { base: openBase, query: "", signatureName: "", signatures, openBase, expiresMs: Infinity };
    }
    const links = await sign(closed);
    const signatureOf = new Map(closed.map((key, place) => [key, links.signatures[place] ?? ""]));
    return { ...links, signatures: keys.map((key) => signatureOf.get(key) ?? ""), openBase };
  };
}
