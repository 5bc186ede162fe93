import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { isBodyWrong, readBody } from "./body.ts";
import type { S3Connection } from "./s3-client.ts";
import { LARGEST_BODY_BYTES } from "./s3-client.ts";
import { statusOf } from "./s3-errors.ts";
import { putInParts } from "./s3-parts.ts";
import { headersOf, isProved, prove } from "./s3-prove.ts";

/** Bytes damaged on the way, or a store that says yes and keeps nothing: mostly that is better the next time. */
const TRIES = 3;

/**
 * Puts an object and proves it. Three things guard the bytes: `readBody` compares them with the announced SHA-256 as they
 * are read; every body and part is a Buffer, so the SDK signs its SHA-256 and the server refuses any other bytes (also
 * radosgw 16, which ignores `x-amz-checksum-*`; Content-MD5 would add nothing); afterwards HEAD must name our size, our
 * hash and, where the server gives one, our checksum. Streamed bodies are never used: their trailers are refused or stored as
 * part of the object by several servers.
 */
export async function putObject(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  // Up to there one request does: fewer round trips and fewer billed requests than parts.
  const put = object.sizeBytes <= LARGEST_BODY_BYTES ? putWhole : putInParts;
  for (let left = TRIES - 1; ; left--)
    try {
      return await put(s3, key, object, signal);
    } catch (error) {
      // 412: somebody was first. 501: a store that does not know the condition.
      if (object.isFinal && [412, 501].includes(statusOf(error) ?? 0)) {
        if (await isProved(s3, key, object, signal)) return;
        const { isFinal: _, ...over } = object;
        return putObject(s3, key, over, signal);
      }
      const mayPass = Failure.is(error) && error.code === "remote-corrupt" && !isBodyWrong(error);
      if (left === 0 || !mayPass) throw error;
    }
}

async function putWhole(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  let body: Buffer = Buffer.alloc(0);
  // One piece: longer than announced, and it is refused.
  for await (const piece of readBody(object, object.sizeBytes + 1, signal, s3.memory)) body = piece;
  await s3.ask(`put ${object.key}`, signal, (ending) => sendWhole(s3, key, object, body, ending), true);
  await prove(s3, key, object, { ChecksumSHA256: inBase64(object) }, signal);
  s3.memory.giveBack(body);
}

/** Makes the request that puts an object whole. `doctor` makes the same, so that it says what an upload will hear. */
export async function sendWhole(
  s3: S3Connection,
  key: string,
  object: NewObject,
  body: Buffer,
  ending: { readonly abortSignal: AbortSignal },
): Promise<unknown> {
  s3.isHashed(body, object.sha256);
  const checksum = { ChecksumAlgorithm: "SHA256", ChecksumSHA256: inBase64(object) } as const;
  const request = { ...headersOf(s3, key, object), Body: body, ContentLength: body.length };
  return s3.client.putObject({ ...request, ...(s3.isAmazon && checksum) }, ending);
}

function inBase64({ sha256 }: NewObject): string {
  return Buffer.from(sha256, "hex").toString("base64");
}
