import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { S3 } from "@aws-sdk/client-s3";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import type { BegunUpload } from "./begun-upload.ts";
import { isBodyWrong, readBody } from "./body.ts";
import { doingInWords } from "./doing-words.ts";
import type { S3Connection } from "./s3-client.ts";
import { isLost, statusOf } from "./s3-errors.ts";
import { headersOf, isProved, prove } from "./s3-prove.ts";

/** S3 wants at least 5 MiB; this much is sent again when a connection breaks or the process is killed. */
const PART_BYTES = 8 * 1024 * 1024;
/** The most parts S3 takes (docs.aws.amazon.com, "Amazon S3 multipart upload limits"). */
const MAX_PARTS = 10_000;
/** One on its way while the next one is read and hashed; memory is this many and two more being read. */
const PARTS_AT_ONCE = 2;

/** What an upload leaves is its own to take back, not its caller's to break off: what the store has begun is billed. */
const patience = new AbortController().signal;

/**
 * Puts an object in parts and proves it. How far it has come is written down, so that after a kill, a cut or a stop only what the store
 * has not acknowledged is sent: at most one part of the file twice. Without a place to write to, it is taken back instead.
 */
export async function putInParts(
  s3: S3Connection,
  key: string,
  object: NewObject,
  signal: AbortSignal,
): Promise<void> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(object.sizeBytes / MAX_PARTS));
  const before = s3.begun?.begunUpload(object.key) ?? null;
  const isSame = before?.sha256 === object.sha256 && before.partBytes === partBytes;
  if (before !== null && !isSame) await takeBack(s3, key, object.key, before.id);
  const begun = isSame ? before : null;
  try {
    await sendParts(s3, key, object, partBytes, begun, signal);
  } catch (error) {
    if (!isLost(error)) throw error;
    // Completed, and the answer was not heard; or somebody has taken it back meanwhile.
    if (await isProved(s3, key, object, signal)) return;
    if (begun === null) throw error;
    await sendParts(s3, key, object, partBytes, null, signal);
  }
}

async function sendParts(
  s3: S3Connection,
  key: string,
  object: NewObject,
  partBytes: number,
  begun: BegunUpload | null,
  signal: AbortSignal,
): Promise<void> {
  const { Upload } = await import("@aws-sdk/lib-storage");
  const pieces = readBody(object, partBytes, signal, s3.memory);
  const progress = { id: begun?.id ?? null, crc: 0 };
  const upload = new Upload({
    client: goingOn(s3, object, pieces, { partBytes, begun, progress }, signal),
    params: {
      ...headersOf(s3, key, object),
      Body: outlineOf(object),
      ContentLength: object.sizeBytes,
      // A ChecksumSHA256 here would be sent with every part. CRC-32 is the one whose parts add up to a checksum of the
      // whole object, which HEAD then returns; other stores differ in what they take, and the signature guards each part.
      ...(s3.isAmazon && { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" }),
    },
    partSize: partBytes,
    queueSize: PARTS_AT_ONCE,
    // Its own way of taking back knows nothing of going on.
    leavePartsOnError: true,
  });
  try {
    await upload.done();
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(progress.crc);
    const ours = s3.isAmazon ? { ChecksumCRC32: checksum.toString("base64") } : {};
    await prove(s3, key, object, ours, signal);
  } catch (error) {
    // 412: somebody else has completed it meanwhile.
    const isOver = isBodyWrong(error) || isLost(error) || statusOf(error) === 412 || isRevoked(signal);
    const isKept = s3.begun !== null && !isOver;
    if (progress.id !== null && !isKept) await takeBack(s3, key, object.key, progress.id);
    signal.throwIfAborted();
    throw error;
  } finally {
    await pieces.return(undefined);
  }
  s3.begun?.forgetUpload(object.key);
}

/**
 * What lib-storage sees of the body: how long it is, and of a part how long that is. It knows bytes only whole in memory, or as a
 * stream, of which it copies every part twice into 16 MB of new memory: V8 then looks for what can be freed after every
 * third part. The bytes come in `goingOn`.
 */
function outlineOf({ sizeBytes }: NewObject): Uint8Array {
  const subarray = (from: number, to = sizeBytes) => ({ byteLength: to - from });
  return Object.create(Uint8Array.prototype, {
    byteLength: { value: sizeBytes },
    subarray: { value: subarray },
  }) as Uint8Array;
}

interface Going {
  readonly partBytes: number;
  readonly begun: BegunUpload | null;
  /** The store's name of the upload, and the CRC-32 of what has been read of the body. */
  readonly progress: { id: string | null; crc: number };
}

/**
 * The client as `Upload` sees it, and where parts get their bytes, in order. What an earlier run has begun and sent is answered from
 * what was written down, if the bytes are the same. Parts go out one after the other, so that a kill costs one; each has our
 * deadline and our signal. Beginning and completing are not cut off.
 */
function goingOn(
  { client, ask, begun: notes, memory, isAmazon, isHashed }: S3Connection,
  { key, sha256 }: NewObject,
  pieces: AsyncIterator<Buffer>,
  { partBytes, begun, progress }: Going,
  signal: AbortSignal,
): S3 {
  const known = new Map(begun?.parts.map((part) => [part.number, part]));
  let wire: Promise<unknown> = Promise.resolve();
  const send = async (command: Parameters<S3["send"]>[0]): Promise<unknown> => {
    const doing = `put ${key}`;
    const input = command.input as { readonly PartNumber?: number; Body?: unknown };
    if (command.constructor.name === "CreateMultipartUploadCommand") {
      if (begun !== null) return { UploadId: begun.id };
      const answer = await ask(doing, patience, async (ending) => client.send(command, ending));
      const { UploadId: id } = answer as { UploadId?: string };
      if (id === undefined)
        throw new Failure("remote-unreachable", `${doingInWords(doing)}: the bucket gave no upload id.`);
      progress.id = id;
      notes?.beginUpload(key, { id, sha256, partBytes });
      return answer;
    }
    const number = input.PartNumber;
    if (number === undefined) return ask(doing, patience, async (ending) => client.send(command, ending));

    const body = await nextOf(pieces, input.Body);
    input.Body = body;
    if (isAmazon) progress.crc = crc32(body, progress.crc);
    const partHash = createHash("sha256").update(body).digest("hex");
    const part = known.get(number);
    if (part?.sha256 === partHash) {
      memory.giveBack(body);
      return { ETag: part.etag, ...(part.crc32 !== null && { ChecksumCRC32: part.crc32 }) };
    }
    isHashed(body, partHash);
    const sent = wire.then(async () =>
      ask(doing, signal, async (ending) => client.send(command, ending), true),
    );
    // With it fails what waits behind it.
    wire = sent;
    const { ETag: etag, ChecksumCRC32: crc = null } = (await sent) as {
      ETag?: string;
      ChecksumCRC32?: string;
    };
    if (etag !== undefined)
      notes?.recordPart(key, { number, sizeBytes: body.length, sha256: partHash, etag, crc32: crc });
    memory.giveBack(body);
    return sent;
  };
  return Object.create(client, { send: { value: send } }) as S3;
}

/** The next piece, which must be as long as the part that it is sent as. */
async function nextOf(pieces: AsyncIterator<Buffer>, part: unknown): Promise<Buffer> {
  const piece = await pieces.next();
  const wanted = (part as Uint8Array | undefined)?.byteLength;
  if (piece.done || piece.value.length !== wanted)
    throw new Error(`A part of ${wanted} bytes has ${piece.done ? "none" : piece.value.length}.`);
  return piece.value;
}

/** Whether it was broken off for good. */
const isRevoked = ({ reason }: AbortSignal): boolean =>
  Failure.is(reason) && reason.code === "gallery-revoked";

/** What cannot be taken back now is left to the sweep. */
async function takeBack({ client, bucket, ask, begun }: S3Connection, key: string, name: string, id: string) {
  begun?.forgetUpload(name);
  try {
    await ask(`take back the upload of ${name}`, patience, async (ending) =>
      client.abortMultipartUpload({ Bucket: bucket, Key: key, UploadId: id }, ending),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
