import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { readBody } from "./body.ts";
import { thingOf } from "./doing-words.ts";
import type { TaggedObject } from "./object-store.ts";
import type { S3Connection } from "./s3-client.ts";
import { isDenied, isMissing, statusOf } from "./s3-errors.ts";
import { headersOf, headOf } from "./s3-prove.ts";

/** The object with its ETag, which S3 gives each content of a key (RFC 9110, 8.8.3). */
export async function readTagged(
  { bucket, client, ask }: S3Connection,
  key: string,
  doing: string,
  signal: AbortSignal,
): Promise<TaggedObject | null> {
  return ask(doing, signal, async (ending) => {
    const object = await client.getObject({ Bucket: bucket, Key: key }, ending);
    const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    return { bytes, tag: object.ETag ?? "" };
  }).catch((error: unknown) => {
    // Without s3:ListBucket both look the same.
    if (isMissing(error) || isDenied(error)) return null;
    throw error;
  });
}

/** A conditional PUT: `If-Match`, or `If-None-Match: *` where nothing may be there. See `ObjectStore.replace`. */
export async function replaceObject(
  s3: S3Connection,
  key: string,
  object: NewObject,
  tag: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  const pieces: Buffer[] = [];
  for await (const piece of readBody(object, object.sizeBytes + 1, signal)) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const putIf = async (condition: { IfMatch: string } | { IfNoneMatch: "*" }) => {
    const request = { ...headersOf(s3, key, object), Body: body, ContentLength: body.length, ...condition };
    try {
      await s3.ask(`put ${object.key}`, signal, (ending) => s3.client.putObject(request, ending), true);
      return true;
    } catch (error) {
      if (isOvertaken(error)) return false;
      throw refusal(error, s3.bucket);
    }
  };
  // radosgw 16 and 18 take a tag for equal only without its quotes; the second question is asked under the same condition.
  const isPut =
    tag === null
      ? await putIf({ IfNoneMatch: "*" })
      : (await putIf({ IfMatch: tag })) || (await putIf({ IfMatch: tag.replaceAll('"', "") }));
  if (isPut) await look(s3, key, object, tag, signal);
  return isPut;
}

/** Another station may have replaced it again by now, so only what cannot be is refused: nothing there, or the old object. */
async function look(
  s3: S3Connection,
  key: string,
  object: NewObject,
  before: string | null,
  signal: AbortSignal,
): Promise<void> {
  const head = await headOf(s3, key, `look at ${object.key} after putting it`, signal);
  const isOurs = head?.sizeBytes === object.sizeBytes && (head.sha256 ?? object.sha256) === object.sha256;
  if (head === null || (head.ETag === before && !isOurs))
    throw new Failure("remote-corrupt", `What was uploaded, ${thingOf(object.key)}, is not in the bucket.`, {
      cause: { key, head },
    });
}

/** 412 is the answer; Amazon gives 409 while another such PUT is under way, and 404 where an object to match is gone. */
function isOvertaken(error: unknown): boolean {
  return isMissing(error) || [409, 412].includes(statusOf(error) ?? 0);
}

/** Stores that do not know the condition and say so. */
function refusal(error: unknown, bucket: string): unknown {
  if (statusOf(error) !== 501) return error;
  const message = `The store of the bucket "${bucket}" does not know conditional writes (If-Match, If-None-Match).`;
  return new Failure("remote-unconditional", message, { cause: error });
}
