import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import type { S3 } from "@aws-sdk/client-s3";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { readBody } from "./body.ts";
import type { S3Connection } from "./s3-client.ts";
import { isMissing } from "./s3-errors.ts";

const MEBIBYTE = 1024 * 1024;
/** Up to here one request does: fewer round trips and fewer billed requests than parts. */
const SINGLE_PUT_BYTES = 16 * MEBIBYTE;
/** S3 wants at least 5 MiB; this much is sent again when a connection breaks. */
const PART_BYTES = 8 * MEBIBYTE;
/** The most parts S3 takes (docs.aws.amazon.com, "Amazon S3 multipart upload limits"). */
const MAX_PARTS = 10_000;
/** Parts on their way at once; memory is this many and two more being read. */
const PARTS_AT_ONCE = 2;

/**
 * Puts an object and proves it. Three things guard the bytes: `readBody` compares them with the announced SHA-256 as they
 * are read; every body and part is a Buffer, so the SDK signs its SHA-256 and the server refuses any other bytes (also
 * radosgw 16, which ignores `x-amz-checksum-*`; Content-MD5 would add nothing); afterwards HEAD must name our size and,
 * where the server keeps one, our checksum. Streamed bodies are never used: their trailers are refused or stored as
 * part of the object by several servers.
 */
export async function putObject(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  if (object.sizeBytes <= SINGLE_PUT_BYTES) await putWhole(s3, key, object, signal);
  else await putInParts(s3, key, object, signal);
}

async function putWhole(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of readBody(object, SINGLE_PUT_BYTES, signal)) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const sha256 = Buffer.from(object.sha256, "hex").toString("base64");
  await s3.ask(
    `put ${object.key}`,
    signal,
    (options) =>
      s3.client.putObject(
        {
          ...headersOf(s3, key, object),
          Body: body,
          ContentLength: body.length,
          // Both: radosgw 20 ignores the one without the other.
          ChecksumAlgorithm: "SHA256",
          ChecksumSHA256: sha256,
        },
        options,
      ),
    true,
  );
  await prove(s3, key, object, { ChecksumSHA256: sha256 }, signal);
}

async function putInParts(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  const { Upload } = await import("@aws-sdk/lib-storage");
  const partSize = Math.max(PART_BYTES, Math.ceil(object.sizeBytes / MAX_PARTS));
  let crc = 0;
  const parts = async function* () {
    for await (const part of readBody(object, partSize, signal)) {
      crc = crc32(part, crc);
      yield part;
    }
  };
  const upload = new Upload({
    client: guarded(s3, object.key, signal),
    params: {
      ...headersOf(s3, key, object),
      Body: Readable.from(parts()),
      ContentLength: object.sizeBytes,
      // A ChecksumSHA256 here would be sent with every part. CRC-32 is the one whose parts add up to a checksum of the
      // whole object, which HEAD then returns; other stores differ in what they take, and the signature guards each part.
      ...(s3.isAmazon && { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" }),
    },
    partSize,
    queueSize: PARTS_AT_ONCE,
  });
  await upload.done().catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc);
  await prove(s3, key, object, { ChecksumCRC32: checksum.toString("base64") }, signal);
}

/**
 * The client as `Upload` sees it: each of its requests has our deadline, and its parts our signal. Its own `abort` would return
 * while parts are still under way; when instead they are cut off here, it takes the upload back as after any failure.
 * Beginning, completing and taking back are not cut off: what the server has begun unheard stays, and is billed.
 */
function guarded({ client, ask }: S3Connection, key: string, signal: AbortSignal): S3 {
  const patience = new AbortController().signal;
  const send = (command: Parameters<S3["send"]>[0]) => {
    const isPart = command.constructor.name === "UploadPartCommand";
    return ask(`put ${key}`, isPart ? signal : patience, (ending) => client.send(command, ending), isPart);
  };
  return Object.create(client, { send: { value: send } });
}

/** What every request that makes an object says of it. */
export function headersOf({ bucket }: S3Connection, key: string, object: NewObject) {
  return {
    Bucket: bucket,
    Key: key,
    ContentType: object.contentType,
    CacheControl: object.cacheControl,
    ...(object.contentEncoding && { ContentEncoding: object.contentEncoding }),
  };
}

/** Asks the server what it has now. ETags say nothing: radosgw 16 gives none for parts, and encryption changes them. */
async function prove(
  { bucket, client, ask }: S3Connection,
  key: string,
  object: NewObject,
  ours: { readonly ChecksumSHA256?: string; readonly ChecksumCRC32?: string },
  signal: AbortSignal,
): Promise<void> {
  const doing = `look at ${object.key} after putting it`;
  const head = await ask(doing, signal, (options) =>
    client.headObject({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }, options),
  ).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (head === null)
    throw new Failure("remote-corrupt", `${object.key} is not in the bucket after it was put.`);
  if (head.ContentLength !== object.sizeBytes)
    throw new Failure(
      "remote-corrupt",
      `the bucket has ${head.ContentLength ?? "an unknown number of"} bytes of ${object.key} instead of ${object.sizeBytes}.`,
    );
  if (head.ChecksumType === "COMPOSITE") return;
  for (const name of ["ChecksumSHA256", "ChecksumCRC32"] as const)
    if (ours[name] !== undefined && head[name] !== undefined && head[name] !== ours[name])
      throw new Failure("remote-corrupt", `the bucket has other bytes of ${object.key} than were sent.`);
}
