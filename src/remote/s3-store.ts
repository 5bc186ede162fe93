import { randomUUID } from "node:crypto";
import { Failure } from "../domain/failure.ts";
import { checkLinkSeconds } from "./link-life.ts";
import { checkKey } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";
import type { S3Connection, S3Options } from "./s3-client.ts";
import { connect } from "./s3-client.ts";
import { isDenied, isMissing } from "./s3-errors.ts";
import { findHead } from "./s3-prove.ts";
import { putObject } from "./s3-put.ts";
import { readTagged, replaceObject } from "./s3-replace.ts";
import { openSigner } from "./s3-sign.ts";
import { sweepUploads, TRIAL } from "./s3-sweep.ts";

/** What DeleteObjects takes at once, and ListObjectsV2 gives (docs.aws.amazon.com, API reference). */
const PAGE = 1000;

/**
 * Opens a bucket of Amazon S3 or of a store that speaks like it. Sends nothing yet: `check` says whether it works. The least
 * rights it needs are in docs/iam; without s3:ListBucket, S3 does not tell what is missing from what may not be read, and `has` and
 * `get` take both for missing: whoever puts an object hears of a missing right then.
 */
export async function openS3Store(options: S3Options): Promise<ObjectStore> {
  checkLinkSeconds(options.linkSeconds);
  if (options.prefix !== "") checkKey(options.prefix);
  const s3 = await connect(options);
  const { client, ask } = s3;
  const signer = await openSigner(s3, options);
  const root = options.prefix === "" ? "" : `${options.prefix}/`;
  const at = (key: string) => {
    checkKey(key);
    return { Bucket: options.bucket, Key: root + key };
  };

  async function* list(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    if (prefix !== "") checkKey(prefix);
    let token: string | undefined;
    do {
      const page = await ask(`list ${prefix}`, signal, (ending) =>
        client.listObjectsV2(
          {
            Bucket: options.bucket,
            Prefix: root + prefix,
            MaxKeys: PAGE,
            ...(token !== undefined && { ContinuationToken: token }),
          },
          ending,
        ),
      );
      for (const { Key } of page.Contents ?? []) {
        const key = (Key ?? "").slice(root.length);
        if (prefix === "" || key === prefix || key.startsWith(`${prefix}/`)) yield key;
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  return {
    check: (signal) => checkAccess(s3, root + TRIAL + randomUUID(), signal),
    put: async (object, signal) => putObject(s3, at(object.key).Key, object, signal),
    async has(key, signal) {
      const head = await findHead(s3, at(key).Key, `look at ${key}`, signal);
      return head && { sizeBytes: head.sizeBytes, sha256: head.sha256 };
    },
    get: async (key, signal) =>
      ask(`get ${key}`, signal, async (ending) => {
        const object = await client.getObject(at(key), ending);
        return (await object.Body?.transformToByteArray()) ?? new Uint8Array();
      }).catch(orNull),
    getTagged: async (key, signal) => readTagged(s3, at(key).Key, `get ${key}`, signal),
    replace: async (object, tag, signal) => replaceObject(s3, at(object.key).Key, object, tag, signal),
    list,
    async deletePrefix(prefix, signal) {
      checkKey(prefix);
      let count = 0;
      for await (const keys of inPages(list(prefix, signal))) {
        await deleteAll(
          s3,
          keys.map((key) => root + key),
          signal,
        );
        count += keys.length;
      }
      return count;
    },
    isOffsite: true,
    ...signer,
    // With no prefix everything in the bucket would be ours.
    sweep: async (signal) => (root === "" ? 0 : sweepUploads(s3, root, signal)),
    async close() {
      client.destroy();
    },
  };
}

function orNull(error: unknown): null {
  if (isMissing(error) || isDenied(error)) return null;
  throw error;
}

/**
 * Opens a multipart upload and takes it back: needs the very rights that uploading needs, stores nothing, and unlike HEAD its
 * answer says by name what is wrong. Asking for the bucket itself would need s3:ListBucket, which the box can do without.
 */
async function checkAccess(
  { client, bucket, ask }: S3Connection,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const target = { Bucket: bucket, Key: key };
  const { UploadId } = await ask(`try the bucket "${bucket}"`, signal, (ending) =>
    client.createMultipartUpload(target, ending),
  );
  await ask(`take back a trial upload in "${bucket}"`, signal, (ending) =>
    client.abortMultipartUpload({ ...target, UploadId }, ending),
  );
}

async function deleteAll(
  { client, bucket, ask }: S3Connection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { Errors = [] } = await ask(`delete ${keys.length} objects`, signal, (ending) =>
    client.deleteObjects(
      { Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } },
      ending,
    ),
  );
  const [first] = Errors;
  if (first)
    throw new Failure(
      "remote-refused",
      `${Errors.length} of ${keys.length} objects in the bucket "${bucket}" could not be deleted (${first.Code}). Allow s3:DeleteObject and try again.`,
    );
}

async function* inPages(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const key of keys) {
    page.push(key);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
