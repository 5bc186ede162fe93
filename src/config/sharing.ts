import type { Values } from "./settings.ts";

/** What a way of sharing needs and does not have: a sentence each, with the fix. */
export function impossibleSharing({ SHARE, S3_BUCKET, SHARE_URL }: Values): string[] {
  if (SHARE !== "lan" && S3_BUCKET === null)
    return [
      `GHOSTROLL_SHARE is ${SHARE}, which shows galleries from a bucket: set GHOSTROLL_S3_BUCKET, or GHOSTROLL_SHARE=lan.`,
    ];
  if (SHARE === "cdn" && SHARE_URL === null)
    return [
      "GHOSTROLL_SHARE is cdn, which shows galleries under your own domain: set GHOSTROLL_SHARE_URL to its address, or GHOSTROLL_SHARE=presigned.",
    ];
  return [];
}

/** Settings that have no effect with this way of sharing. */
export function pointlessSharing({ SHARE, S3_BUCKET, SHARE_BUCKET, SHARE_URL }: Values): string[] {
  const notes: string[] = [];
  if (SHARE === "lan" && S3_BUCKET !== null)
    notes.push("GHOSTROLL_SHARE is lan: galleries stay on this machine, none goes to GHOSTROLL_S3_BUCKET.");
  if (SHARE_BUCKET !== null && SHARE !== "capability")
    notes.push(`GHOSTROLL_SHARE_BUCKET has no effect with GHOSTROLL_SHARE=${SHARE}, only with capability.`);
  if (SHARE_URL !== null && SHARE !== "capability" && SHARE !== "cdn")
    notes.push(
      `GHOSTROLL_SHARE_URL has no effect with GHOSTROLL_SHARE=${SHARE}, only with capability and cdn.`,
    );
  return notes;
}
