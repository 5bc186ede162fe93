import { createHash } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { S3 } from "@aws-sdk/client-s3";
import type { Meter } from "../flow/meter.ts";
import type { BegunUploads } from "./begun-upload.ts";
import type { BodyMemory } from "./body-memory.ts";
import { openBodyMemory } from "./body-memory.ts";
import { keyedSha256 } from "./keyed-sha256.ts";
import type { S3Place } from "./s3-errors.ts";
import { translateS3Error } from "./s3-errors.ts";
import { throttle } from "./s3-throttle.ts";

export interface S3Options {
  readonly bucket: string;
  /** Put before every key; `""` for none. */
  readonly prefix: string;
  readonly region: string;
  /** Address of a store other than Amazon's. */
  readonly endpoint?: string | null;
  readonly forcePathStyle: boolean;
  /** How long links work, at most 604,800. */
  readonly linkSeconds: number;
  /** Connections at once; 50 is what the SDK's own pool has. */
  readonly sockets?: number;
  /** Without them the SDK looks in its own places: environment, profile, instance role. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string | null;
  } | null;
  /** Sign links in the place of `credentials`: keys that may read galleries and nothing else, so that no link can. */
  readonly linkCredentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  readonly timeouts?: Partial<S3Timeouts>;
  /** Where uploads in parts are written down; without it, one that is broken off is taken back. */
  readonly begun?: BegunUploads | null;
  /** Limits what goes out, together with all others that have it. */
  readonly meter?: Meter | null;
  /** Milliseconds since 1970, for signing links. */
  readonly now?: () => number;
}

interface S3Timeouts {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** For a request without a body, with all its repetitions. */
  readonly answerMs: number;
  /** For a request with a body, with all its repetitions. */
  readonly bodyMs: number;
}

/**
 * The SDK waits for ever unless told otherwise. Ten seconds outlast three lost SYNs (1 + 2 + 4 s, tcp(7)); S3 may think about
 * completing a large upload for most of a minute; 16 MiB in 20 minutes is 0.1 Mbit/s, the slowest phone worth waiting for.
 */
const TIMEOUTS: S3Timeouts = { connectMs: 10_000, idleMs: 60_000, answerMs: 120_000, bodyMs: 1_200_000 };

/** Of one request: larger objects go in parts. */
export const LARGEST_BODY_BYTES = 16 * 1024 * 1024;

/** With the SDK's back-off (up to 0.1, 0.2, 0.4 s) a store that is not there is known after a second. */
const ATTEMPTS = 4;

export interface S3Connection {
  readonly client: S3;
  readonly bucket: string;
  /**
   * Amazon checks and keeps checksums. Others refuse their headers (Backblaze B2), ignore them (radosgw 16 and 18) or check them
   * (Swift 2.35), and nothing says which: they get none. The signature covers every body anyway.
   */
  readonly isAmazon: boolean;
  readonly begun: BegunUploads | null;
  readonly memory: BodyMemory;
  /** The store's time in milliseconds since 1970, as far as its answers have told it. */
  readonly storeMs: () => number;
  /** Says the hex SHA-256 of a body that is about to be put, so that it is not hashed once more to be signed. */
  readonly isHashed: (body: Buffer, sha256: string) => void;
  /** Makes one request with a deadline, and translates what goes wrong; `doing` begins the message. */
  readonly ask: <Answer>(
    doing: string,
    signal: AbortSignal,
    send: (ending: { abortSignal: AbortSignal }) => Promise<Answer>,
    hasBody?: boolean,
  ) => Promise<Answer>;
}

/** One client with a bounded pool of kept connections. Loads the SDK, which a box without a bucket never needs. */
export async function connect(options: S3Options): Promise<S3Connection> {
  const sdk = await import("@aws-sdk/client-s3");
  const { bucket, region, forcePathStyle, sockets = 50, credentials } = options;
  const timeouts = timeoutsOf(options, sockets);
  const endpoint = options.endpoint || null;
  const pool = { keepAlive: true, maxSockets: sockets };
  const client = new sdk.S3({
    region,
    forcePathStyle,
    ...(endpoint !== null && { endpoint }),
    ...(credentials && { credentials: withoutNull(credentials) }),
    // Settings come from config/, and links must lead where requests go.
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    maxAttempts: ATTEMPTS,
    retryMode: "adaptive",
    // Other stores refuse the checksums that Amazon made the default in 2025, or keep their framing in the object.
    requestChecksumCalculation: endpoint === null ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    responseChecksumValidation: endpoint === null ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    // The SDK would open a connection of its own, outside the pool, for every body above 2 MB.
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: new HttpAgent(pool),
      httpsAgent: new HttpsAgent(pool),
      connectionTimeout: timeouts.connectMs,
      socketTimeout: timeouts.idleMs,
      requestTimeout: timeouts.bodyMs,
      throwOnRequestTimeout: true,
    },
    sha256: keyedSha256(),
    // It would write to the console, which in a daemon is the log.
    logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
  // It prepares for the logger what nobody reads, for each request.
  client.middlewareStack.remove("loggerMiddleware");
  if (endpoint !== null) addContentMd5(client);
  const isHashed = signKnownHashes(client);
  if (options.meter) throttle(client, options.meter);
  nameFailed(client);
  const place: S3Place = { bucket, region, host: endpoint === null ? "Amazon S3" : new URL(endpoint).host };
  return {
    client,
    bucket,
    isAmazon: endpoint === null,
    begun: options.begun ?? null,
    memory: openBodyMemory(),
    isHashed,
    // The client learns from every answer how far this machine's clock is off; a Raspberry Pi wakes up in 1970.
    storeMs: () => (options.now ?? Date.now)() + client.config.systemClockOffset,
    async ask(doing, signal, send, hasBody = false) {
      const deadline = AbortSignal.timeout(hasBody ? timeouts.bodyMs : timeouts.answerMs);
      try {
        signal.throwIfAborted();
        return await send({ abortSignal: AbortSignal.any([signal, deadline]) });
      } catch (error) {
        signal.throwIfAborted();
        throw translateS3Error(deadline.aborted ? deadline.reason : error, doing, place);
      }
    },
  };
}

/** The signature covers this header, and the server compares it with what it receives. */
function signKnownHashes(client: S3): S3Connection["isHashed"] {
  const hashes = new WeakMap<object, string>();
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { headers: Record<string, string>; body?: unknown };
      const sha256 = Buffer.isBuffer(request.body) ? hashes.get(request.body) : undefined;
      if (sha256 !== undefined) request.headers["x-amz-content-sha256"] = sha256;
      return next(args);
    },
    { step: "build", name: "knownHash", priority: "low" },
  );
  return (body, sha256) => void hashes.set(body, sha256);
}

/** With a limit, a body may have to wait until all others are through. */
function timeoutsOf({ timeouts, meter }: S3Options, sockets: number): S3Timeouts {
  const known = { ...TIMEOUTS, ...timeouts };
  const queueMs = meter ? ((sockets * LARGEST_BODY_BYTES) / meter.bytesPerSecond) * 1000 : 0;
  return { ...known, bodyMs: Math.round(known.bodyMs + queueMs) };
}

function withoutNull({ accessKeyId, secretAccessKey, sessionToken }: NonNullable<S3Options["credentials"]>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

/** Writes into each error which request it answers: what the right is called that is missing depends on it. */
function nameFailed(client: S3): void {
  client.middlewareStack.add(
    (next, context) => async (args) =>
      next(args).catch((error: unknown) => {
        throw error instanceof Error ? Object.assign(error, { command: context["commandName"] }) : error;
      }),
    { step: "initialize", name: "nameFailed" },
  );
}

/** DeleteObjects must carry a checksum; stores older than Amazon's new ones know only this one (aws-sdk-js-v3#6886). */
function addContentMd5(client: S3): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const request = args.request as { headers: Record<string, string>; body?: string | Uint8Array };
      if (context["commandName"] === "DeleteObjectsCommand" && request.body !== undefined) {
        for (const name of Object.keys(request.headers))
          if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete request.headers[name];
        request.headers["content-md5"] = createHash("md5").update(request.body).digest("base64");
      }
      return next(args);
    },
    { step: "build", name: "contentMd5", priority: "low" },
  );
}
