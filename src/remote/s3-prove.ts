import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { thingOf } from "./doing-words.ts";
import type { S3Connection } from "./s3-client.ts";
import { isDenied, isMissing, isRefusedUnsaid } from "./s3-errors.ts";

/** Goes with every object, so that HEAD tells whose bytes these are: few stores keep checksums, and ETags are no hashes. */
const OUR_HASH = "sha256";

/** What every request that makes an object says of it. */
export function headersOf({ bucket }: S3Connection, key: string, object: NewObject) {
  return {
    Bucket: bucket,
    Key: key,
    ContentType: object.contentType,
    CacheControl: object.cacheControl,
    Metadata: { [OUR_HASH]: object.sha256 },
    ...(object.isFinal && { IfNoneMatch: "*" }),
    ...(object.contentEncoding && { ContentEncoding: object.contentEncoding }),
  };
}

/** Asks what the store has under a key; Amazon also for the checksum that it keeps. */
function headRequest({ bucket, isAmazon }: S3Connection, key: string) {
  return { Bucket: bucket, Key: key, ...(isAmazon && { ChecksumMode: "ENABLED" as const }) };
}

/** What HEAD says of an object; `null` when there is none. */
export async function headOf(s3: S3Connection, key: string, doing: string, signal: AbortSignal) {
  const request = headRequest(s3, key);
  const head = await s3
    .ask(doing, signal, (ending) => s3.client.headObject(request, ending))
    .catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
  return head && { ...head, sizeBytes: head.ContentLength ?? 0, sha256: head.Metadata?.[OUR_HASH] ?? null };
}

/**
 * As `headOf`, for an object that may well not be there: without s3:ListBucket, S3 does not tell what is missing from what may not
 * be read, and both count as missing.
 */
export async function findHead(s3: S3Connection, key: string, doing: string, signal: AbortSignal) {
  return headOf(s3, key, doing, signal).catch(async (error: unknown) => {
    if (!isRefusedUnsaid(error)) throw error;
    // GET says why; when it only says that this key may not, the object is as good as not there.
    const aByte = { Bucket: s3.bucket, Key: key, Range: "bytes=0-0" };
    await s3
      .ask(doing, signal, (ending) => s3.client.getObject(aByte, ending))
      .catch((said: unknown) => {
        if (!isMissing(said) && !isDenied(said)) throw said;
      });
    return null;
  });
}

/** What the store is known to have been sent, in base64. */
interface Checksums {
  readonly ChecksumSHA256?: string;
  readonly ChecksumCRC32?: string;
}

/** Asks the store what it has now, and throws `remote-corrupt` when that is not this object. */
export async function prove(
  s3: S3Connection,
  key: string,
  object: NewObject,
  ours: Checksums,
  signal: AbortSignal,
): Promise<void> {
  const head = await headOf(s3, key, `look at ${object.key} after putting it`, signal);
  const wrong = differenceOf(head, object, ours);
  if (wrong !== null) throw new Failure("remote-corrupt", wrong, { cause: { key, head } });
}

function differenceOf(
  head: Awaited<ReturnType<typeof headOf>>,
  { key, sizeBytes, sha256 }: NewObject,
  ours: Checksums,
): string | null {
  if (head === null) return `What was uploaded, ${thingOf(key)}, is not in the bucket.`;
  if (head.ContentLength !== sizeBytes)
    return `The bucket has ${head.ContentLength ?? "an unknown number of"} bytes of ${thingOf(key)} instead of ${sizeBytes}.`;
  const isOther =
    (head.sha256 !== null && head.sha256 !== sha256) ||
    (head.ChecksumType !== "COMPOSITE" &&
      (["ChecksumSHA256", "ChecksumCRC32"] as const).some(
        (name) => ours[name] !== undefined && head[name] !== undefined && head[name] !== ours[name],
      ));
  return isOther ? `The bucket has other bytes of ${thingOf(key)} than were sent.` : null;
}

/** Whether exactly this object is under its key, as far as one of ours can be told from any other: by size and hash. */
export async function isProved(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<boolean> {
  const head = await findHead(s3, key, `look for ${object.key}`, signal);
  return head !== null && head.sizeBytes === object.sizeBytes && head.sha256 === object.sha256;
}
