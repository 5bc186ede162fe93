/** The bytes of an object: in memory, or a file that no longer changes. */
type ObjectBody = { readonly bytes: Uint8Array } | { readonly file: string };

/** Something to put into the store. Size and checksum are known beforehand, so the store can be held to them. */
export interface NewObject {
  /** Key below the configured prefix. */
  readonly key: string;
  readonly body: ObjectBody;
  readonly sizeBytes: number;
  /** Lower-case hex SHA-256 of the body. */
  readonly sha256: string;
  readonly contentType: string;
  readonly contentEncoding?: "gzip";
  readonly cacheControl: string;
}

/**
 * Links to many objects that differ only in key and signature: a gallery of thousands carries the rest once. The link to
 * `keys[i]` is `base + encoded key + "?" + query + "&" + signatureName + "=" + signatures[i]`.
 */
export interface SignedLinks {
  /** Absolute, ends with `/`. */
  readonly base: string;
  readonly query: string;
  readonly signatureName: string;
  /** One for each key, in their order; safe in a query as they are. */
  readonly signatures: readonly string[];
  /** Milliseconds since 1970 at which the links stop working. */
  readonly expiresMs: number;
}

/** The link to one of the signed keys. */
export function linkTo(links: SignedLinks, key: string, index: number): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  return `${links.base}${path}?${links.query}&${links.signatureName}=${links.signatures[index] ?? ""}`;
}

/** Renditions and assets never change under their key. */
export const CACHE_FOREVER = "private, max-age=604800, immutable";
/** The shell and what it polls. */
export const CACHE_NEVER = "no-cache";
