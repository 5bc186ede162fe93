/** The bytes of an object: in memory, a file that no longer changes, or made again each time they are asked for. */
type ObjectBody =
  | { readonly bytes: Uint8Array }
  | { readonly file: string }
  | { readonly make: () => AsyncIterable<Uint8Array> };

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
  /** Its key names its content: whoever was first has put the same, and is not put over. */
  readonly isFinal?: true;
}

/**
 * Links to many objects that differ only in key and signature: a gallery of thousands carries the rest once. The link to
 * `keys[i]` is `base + encoded key + "?" + query + "&" + signatureName + "=" + signatures[i]`; where that signature is empty,
 * the object opens for whoever knows its address, and the link is `openBase + encoded key`.
 */
export interface SignedLinks {
  /** Absolute, ends with `/`. */
  readonly base: string;
  readonly query: string;
  readonly signatureName: string;
  /** One for each key, in their order; safe in a query as they are. */
  readonly signatures: readonly string[];
  /** Absolute, ends with `/`. */
  readonly openBase?: string;
  /** Milliseconds since 1970 at which the signed links stop working; `Infinity` when none of them is signed. */
  readonly expiresMs: number;
}

/** The link to one of the signed keys. */
export function linkTo(links: SignedLinks, key: string, index: number): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const signature = links.signatures[index] ?? "";
  if (signature === "" && links.openBase !== undefined) return links.openBase + path;
  return `${links.base}${path}?${links.query}&${links.signatureName}=${signature}`;
}

/** Renditions and assets never change under their key. */
export const CACHE_FOREVER = "private, max-age=604800, immutable";
/** The shell and what it polls. */
export const CACHE_NEVER = "no-cache";
