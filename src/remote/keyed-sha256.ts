import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** What the SDK hands over: text is UTF-8. */
type Source = string | ArrayBuffer | ArrayBufferView;

/**
 * A SHA-256 as the SDK's signers take one, with which each secret becomes a key once. Theirs makes one of it for every signature,
 * which takes five times as long as the HMAC itself. The keys live as long as the class that is returned.
 */
export function keyedSha256(): new (
  secret?: Source,
) => {
  update(source: Source): void;
  digest(): Promise<Uint8Array>;
} {
  const keys = new Map<Source, KeyObject>();
  const keyOf = (secret: Source): KeyObject => {
    const key = keys.get(secret) ?? createSecretKey(bytesOf(secret));
    keys.set(secret, key);
    return key;
  };
  return class {
    readonly #hash;
    constructor(secret?: Source) {
      this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", keyOf(secret));
    }
    update(source: Source): void {
      this.#hash.update(bytesOf(source));
    }
    async digest(): Promise<Uint8Array> {
      return this.#hash.digest();
    }
  };
}

function bytesOf(source: Source): Buffer {
  if (typeof source === "string") return Buffer.from(source);
  return ArrayBuffer.isView(source)
    ? Buffer.from(source.buffer, source.byteOffset, source.byteLength)
    : Buffer.from(source);
}
