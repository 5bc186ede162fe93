import type { KeyObject } from "node:crypto";
import { createHmac, timingSafeEqual } from "node:crypto";
import { isForGuests } from "../domain/layout.ts";
import type { SignedLinks } from "../domain/object.ts";
import { signedAtMs } from "./link-life.ts";
import { isKey } from "./object-key.ts";

const EXPIRES = "e";
const SIGNATURE = "s";

/** 128 bits in base64url. HMAC may be cut to half its length (RFC 2104 §5), and a short link makes a QR code that reads well. */
const SIGNATURE_CHARACTERS = 22;

/** Signs links to keys. All of one batch end at the same time, which the signature covers. */
export function signLinks(
  secret: KeyObject,
  {
    base,
    keys,
    linkSeconds,
    nowMs,
  }: { base: string; keys: readonly string[]; linkSeconds: number; nowMs: number },
): SignedLinks {
  const expires = Math.floor(signedAtMs(nowMs, linkSeconds) / 1000) + linkSeconds;
  return {
    base,
    query: `${EXPIRES}=${expires}`,
    signatureName: SIGNATURE,
    signatures: keys.map((key) => signatureOf(secret, key, String(expires))),
    expiresMs: expires * 1000,
  };
}

/**
 * The key that a request's path and query may read now, or null. `path` is what follows the base as it stands in the
 * URL, percent-encoded.
 */
export function keyOfLink(
  secret: KeyObject,
  path: string,
  query: URLSearchParams,
  nowMs: number,
): string | null {
  const [expires, ...moreExpires] = query.getAll(EXPIRES);
  const [signature, ...moreSignatures] = query.getAll(SIGNATURE);
  if (moreExpires.length + moreSignatures.length > 0) return null;
  if (expires === undefined || !/^\d{1,12}$/.test(expires) || Number(expires) * 1000 <= nowMs) return null;
  const key = decodePath(path);
  if (key === null || !isKey(key) || !isForGuests(key)) return null;
  const right = Buffer.from(signatureOf(secret, key, expires));
  const given = Buffer.from(signature ?? "");
  return given.length === right.length && timingSafeEqual(given, right) ? key : null;
}

function signatureOf(secret: KeyObject, key: string, expires: string): string {
  return createHmac("sha256", secret)
    .update(`${expires}\n${key}`)
    .digest("base64url")
    .slice(0, SIGNATURE_CHARACTERS);
}

/** Segment by segment: an encoded slash never becomes one that separates. */
function decodePath(path: string): string | null {
  try {
    const segments = path.split("/").map(decodeURIComponent);
    return segments.some((segment) => segment.includes("/")) ? null : segments.join("/");
  } catch {
    return null;
  }
}
