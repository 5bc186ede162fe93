import type { Values } from "./settings.ts";

/** What a way of sharing needs and does not have: a sentence each, with the fix. */
export function impossibleSharing({ SHARE, S3_BUCKET, S3_ENDPOINT, SHARE_URL }: Values): string[] {
  if (SHARE !== "lan" && S3_BUCKET === null)
    return [
      `GHOSTROLL_SHARE is ${SHARE}, which shows galleries from a bucket: set GHOSTROLL_S3_BUCKET, or GHOSTROLL_SHARE=lan.`,
    ];
  if (SHARE === "cdn" && SHARE_URL === null)
    return [
      "GHOSTROLL_SHARE is cdn, which shows galleries under your own domain: set GHOSTROLL_SHARE_URL to its address, or GHOSTROLL_SHARE=presigned.",
    ];
  if (SHARE === "capability" && SHARE_URL === null && isR2(S3_ENDPOINT))
    return [
      "GHOSTROLL_SHARE is capability, but R2 answers no guest at GHOSTROLL_S3_ENDPOINT: set GHOSTROLL_SHARE_URL to the public address of the bucket with the pages and the folder in it, as in https://pub-….r2.dev/ghostroll.",
    ];
  return [];
}

/** Every request to the S3 interface of R2 has to be signed; what is public there has an address of its own. */
function isR2(endpoint: string | null): boolean {
  return endpoint !== null && new URL(endpoint).hostname.endsWith(".r2.cloudflarestorage.com");
}

/** Settings that say something of a bucket, where galleries stay on this machine. */
export function bucketOnly(values: Values): string[] {
  const { SHARE, S3_BUCKET, S3_ENDPOINT, UPLOAD_ORIGINALS, UPLOAD_MBPS, PRESIGN_ACCESS_KEY_ID } = values;
  if (S3_BUCKET !== null && SHARE !== "lan") return [];
  const why = S3_BUCKET === null ? "without GHOSTROLL_S3_BUCKET" : "with GHOSTROLL_SHARE=lan";
  const isSet = {
    S3_ENDPOINT: S3_ENDPOINT !== null,
    UPLOAD_ORIGINALS: UPLOAD_ORIGINALS !== "none",
    UPLOAD_MBPS: UPLOAD_MBPS !== 0,
    PRESIGN_ACCESS_KEY_ID: PRESIGN_ACCESS_KEY_ID !== null,
  };
  return Object.entries(isSet)
    .filter(([, is]) => is)
    .map(([name]) => `GHOSTROLL_${name} has no effect ${why}: nothing leaves this machine.`);
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
