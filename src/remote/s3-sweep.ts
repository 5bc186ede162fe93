import { Failure } from "../domain/failure.ts";
import type { S3Connection } from "./s3-client.ts";
import { isLost } from "./s3-errors.ts";

const HOUR_MS = 3_600_000;

/**
 * An upload to which nothing came for so long is nobody's: a station that lost its network for a long weekend still
 * goes on with its own.
 */
const IDLE_MS = 96 * HOUR_MS;
/** Nothing is ever sent to the trial uploads of `check`: they are taken back within seconds, unless the process was killed. */
const TRIAL_IDLE_MS = HOUR_MS;

/** The names `check` gives to its trial uploads begin so. */
export const TRIAL = ".ghostroll-";

/** Takes back uploads in parts below `root`, which ends with a slash, that nobody goes on with. Returns how many. */
export async function sweepUploads(s3: S3Connection, root: string, signal: AbortSignal): Promise<number> {
  const { client, bucket, ask, storeMs } = s3;
  let count = 0;
  for await (const { key, id, begunMs } of openUploads(s3, root, signal)) {
    const idleMs = key.startsWith(root + TRIAL) ? TRIAL_IDLE_MS : IDLE_MS;
    if (storeMs() - begunMs < idleMs) continue;
    const target = { Bucket: bucket, Key: key, UploadId: id };
    try {
      if (storeMs() - (await lastPartMs(s3, target, begunMs, signal)) < idleMs) continue;
      await ask(`take back an upload of ${key}`, signal, async (ending) =>
        client.abortMultipartUpload(target, ending),
      );
      count += 1;
    } catch (error) {
      // Another station has done it, or completed it.
      if (!(error instanceof Failure && isLost(error))) throw error;
    }
  }
  return count;
}

async function* openUploads({ client, bucket, ask }: S3Connection, root: string, signal: AbortSignal) {
  let next: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
  while (next !== null) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = next;
    const page = await ask("list uploads that were begun", signal, async (ending) =>
      client.listMultipartUploads({ Bucket: bucket, Prefix: root, ...from }, ending),
    );
    // Also where a store should not heed the prefix: others have uploads in this bucket.
    for (const { Key: key, UploadId: id, Initiated } of page.Uploads ?? [])
      if (key?.startsWith(root) && id !== undefined && Initiated !== undefined)
        yield { key, id, begunMs: Initiated.getTime() };
    const { NextKeyMarker, NextUploadIdMarker } = page;
    next =
      page.IsTruncated && NextKeyMarker !== undefined
        ? {
            KeyMarker: NextKeyMarker,
            ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
          }
        : null;
  }
}

/** When something last came: a long video on a slow uplink may have begun weeks ago. */
async function lastPartMs(
  { client, ask }: S3Connection,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
  begunMs: number,
  signal: AbortSignal,
): Promise<number> {
  let lastMs = begunMs;
  let after: string | undefined;
  do {
    const page = await ask(`look at an upload of ${target.Key}`, signal, async (ending) =>
      client.listParts({ ...target, ...(after !== undefined && { PartNumberMarker: after }) }, ending),
    );
    for (const { LastModified } of page.Parts ?? []) lastMs = Math.max(lastMs, LastModified?.getTime() ?? 0);
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (after !== undefined);
  return lastMs;
}
