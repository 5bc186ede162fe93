import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";
import { doingInWords } from "./doing-words.ts";
import { rightOf } from "./s3-rights.ts";

/** What messages may name: a bucket and a host, never access keys or an endpoint with a password in it. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** Host of the endpoint, `Amazon S3` without one. */
  readonly host: string;
}

const BAD_CLOCK =
  "Set this machine's clock (`timedatectl` says whether it follows the network's) and try again";

/** Answers that say what is wrong by name (docs.aws.amazon.com, "Error responses"; Ceph's rgw_common.cc). */
const BY_NAME: Readonly<
  Record<string, readonly [FailureCode, (place: S3Place, right: string | null) => string]>
> = {
  NoSuchBucket: ["remote-no-bucket", ({ bucket, host }) => `there is no bucket "${bucket}" at ${host}`],
  InvalidBucketName: ["remote-no-bucket", ({ bucket }) => `"${bucket}" cannot be the name of a bucket`],
  InvalidAccessKeyId: ["remote-refused", ({ host }) => `${host} does not know the access key id`],
  SignatureDoesNotMatch: [
    "remote-refused",
    ({ host }) => `the secret access key does not belong to the access key id at ${host}`,
  ],
  AccessDenied: [
    "remote-refused",
    ({ bucket, host }, right) =>
      `the access key may not do this in the bucket "${bucket}" at ${host}. Allow ${right ?? "it in its policy"}`,
  ],
  ExpiredToken: ["remote-refused", () => "the temporary access key has expired. Get a new one"],
  RequestTimeTooSkewed: ["remote-refused", ({ host }) => `${host} has another time. ${BAD_CLOCK}`],
  QuotaExceeded: ["remote-full", full],
  // MinIO's two, and what Wasabi and others say beyond what is paid for.
  XMinioStorageFull: ["remote-full", full],
  XMinioAdminBucketQuotaExceeded: ["remote-full", full],
  ServiceQuotaExceeded: ["remote-full", full],
  EntityTooLarge: [
    "remote-full",
    ({ bucket, host }) => `${host} takes no object of this size into the bucket "${bucket}" now`,
  ],
  AuthorizationHeaderMalformed: ["remote-refused", wrongRegion],
  PermanentRedirect: ["remote-refused", wrongRegion],
  BadDigest: ["remote-corrupt", damagedOnTheWay],
  InvalidDigest: ["remote-corrupt", damagedOnTheWay],
  XAmzContentSHA256Mismatch: ["remote-corrupt", damagedOnTheWay],
  IncompleteBody: ["remote-corrupt", damagedOnTheWay],
  NoSuchUpload: ["remote-corrupt", lost],
  InvalidPart: ["remote-corrupt", lost],
  InvalidPartOrder: ["remote-corrupt", lost],
  EntityTooSmall: ["remote-corrupt", lost],
  RequestTimeout: ["remote-unreachable", ({ host }) => `${host} waited too long for the next bytes`],
  TimeoutError: ["remote-unreachable", ({ host }) => `${host} did not answer in time`],
  CredentialsProviderError: [
    "remote-refused",
    ({ bucket }) =>
      `no access key was found for the bucket "${bucket}". Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
  ],
};

function wrongRegion({ bucket, region }: S3Place): string {
  return `the bucket "${bucket}" is not in the region "${region}". Correct GHOSTROLL_S3_REGION`;
}

function full({ bucket, host }: S3Place): string {
  return `the bucket "${bucket}" at ${host} is full`;
}

function lost({ host }: S3Place): string {
  return `${host} has lost an upload, or a part of it`;
}

function damagedOnTheWay({ host }: S3Place): string {
  return `${host} received other bytes than were sent, and stored none`;
}

/** Not reached, or cut off: Node's own codes (nodejs.org/api/errors.html, errno(3)) and those of its HTTP parser. */
const NETWORK =
  /^(ECONN|ENET|EHOST|EAI_|ENOTFOUND$|ETIMEDOUT$|EPIPE$|EADDR|EPROTO$|HPE_|ERR_STREAM_PREMATURE_CLOSE$)/;
/** OpenSSL's verification errors as Node names them, and its own for a wrong host name. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

interface ForeignError extends Error {
  readonly code?: unknown;
  /** Our client writes it there: the name of the request in the SDK. */
  readonly command?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * What an error of the SDK means for us, as a `Failure` whose message is a sentence beginning with what was being done.
 * Anything that does not come from the network or the server is returned as it is: a bug.
 */
export function translateS3Error(error: unknown, doing: string, place: S3Place): unknown {
  if (!(error instanceof Error) || error instanceof Failure) return error;
  const [code, reason] = explain(error, place) ?? [];
  if (code === undefined) return error;
  // The log shows the cause, and with it which object it was.
  return new Failure(code, `${doingInWords(doing)}: ${reason}.`, { cause: Object.assign(error, { doing }) });
}

function explain(error: ForeignError, place: S3Place): readonly [FailureCode, string] | null {
  const named = BY_NAME[error.name];
  const right = rightOf(error.command);
  if (named) return [named[0], named[1](place, right)];
  const code = typeof error.code === "string" ? error.code : "";
  if (CERTIFICATE.test(code))
    return [
      "remote-unreachable",
      `${place.host} shows a certificate that does not hold (${code}). ${BAD_CLOCK}`,
    ];
  if (NETWORK.test(code)) return ["remote-unreachable", `${place.host} cannot be reached (${code})`];
  const status = error.$metadata?.httpStatusCode;
  return status === undefined ? null : byStatus(status, error, place, right);
}

/** HEAD has no body, so only the number says what it is; some servers give names of their own. */
function byStatus(
  status: number,
  { name, message }: Error,
  place: S3Place,
  right: string | null,
): readonly [FailureCode, string] {
  const answer = `${place.host} answered ${status} ${name}`;
  if (status === 301 || status === 307) return ["remote-refused", wrongRegion(place)];
  if (status < 400)
    return [
      "remote-unreachable",
      `${answer}, which is not what S3 answers. There may be a sign-in page on this network`,
    ];
  if (status === 401 || status === 403)
    return [
      "remote-refused",
      `${answer} for the bucket "${place.bucket}". Check the access key, and allow ${right ?? "this in its policy"}`,
    ];
  // Insufficient Storage (RFC 4918), and what Swift says when an account or container has no room left.
  if (status === 507 || status === 413) return ["remote-full", `${answer}: ${full(place)}`];
  if (status >= 500 || status === 408 || status === 429) return ["remote-unreachable", answer];
  return ["remote-unfit", `${answer} for the bucket "${place.bucket}"${inQuotes(message, name)}`];
}

/** What the server says itself, in one line that is not too long for a log; the SDK puts a word of its own where it says nothing. */
function inQuotes(message: string, name: string): string {
  const said = message
    .replace(/[\s\p{Cc}"]+/gu, " ")
    .trim()
    .slice(0, 200);
  return ["", name, "UnknownError"].includes(said) ? "" : ` and said "${said}"`;
}

/** Whether the server said that there is no such object; HEAD names it otherwise than GET. */
export function isMissing(error: unknown): boolean {
  return ["NotFound", "NoSuchKey"].includes(errorName(error));
}

/** Whether a key that is good may not do this. To one without s3:ListBucket, an object that is missing looks the same. */
export function isDenied(error: unknown): boolean {
  return errorName(error) === "AccessDenied";
}

/** Whether a request was refused without a word why, as HEAD is, whose answer has no body. */
export function isRefusedUnsaid(error: unknown): boolean {
  const cause: unknown = error instanceof Failure ? error.cause : error;
  if (!(cause instanceof Error) || Object.hasOwn(BY_NAME, cause.name)) return false;
  return (cause as ForeignError).$metadata?.httpStatusCode === 403;
}

/** What the server calls an error, also once it is a `Failure`; else the name of its class. */
export function errorName(error: unknown): string {
  const cause: unknown = error instanceof Failure ? error.cause : error;
  return cause instanceof Error ? cause.name : "";
}

/** Whether an upload in parts cannot go on as it is: it must be started again. */
export function isLost(error: unknown): boolean {
  return ["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"].includes(errorName(error));
}

/** The status a server answered with, when that is what went wrong. */
export function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Failure ? error.cause : error;
  return (cause as ForeignError | undefined)?.$metadata?.httpStatusCode;
}
