import { Failure } from "../domain/failure.ts";
import { keyedSha256 } from "./keyed-sha256.ts";
import { isSet, signedAtMs } from "./link-life.ts";
import { checkGuestKey, encodeKey, encodeSegment } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";
import type { S3Connection, S3Options } from "./s3-client.ts";

const SIGNATURE = "X-Amz-Signature";

/** Some 10 MB of memory. The largest galleries of a day fit; beyond it signing starts over, which only costs time. */
const MAX_CACHED = 50_000;

/** The SDK takes a clock that is off by less for right. */
const CLOCK_STEP_MS = 300_000;

/**
 * Signs links to objects (Signature Version 4 in the query). The presigner is used without the client's middleware, which
 * would add parameters of its own to every link and cost a millisecond each.
 */
export async function openSigner(
  { client, ask, storeMs }: S3Connection,
  options: S3Options,
): Promise<Pick<ObjectStore, "base" | "sign">> {
  const { S3RequestPresigner } = await import("@aws-sdk/s3-request-presigner");
  const { linkSeconds } = options;
  const base = baseUrl(client, options);
  const learnTime = async () => {
    // Any answer has the time in it, also that there is no such object. Without one, the clock is what is reported.
    const anything = { Bucket: options.bucket, Key: ".ghostroll-time" };
    await ask("ask for the time", new AbortController().signal, (ending) =>
      client.headObject(anything, ending),
    ).catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
    });
  };
  let learnedAt = clockStart();
  let cached = { query: "", signatures: new Map<string, string>() };

  const sign: ObjectStore["sign"] = async (keys) => {
    keys.forEach(checkGuestKey);
    const credentials: Awaited<ReturnType<typeof client.config.credentials>> =
      options.linkCredentials ??
      (await ask("sign links", new AbortController().signal, () => client.config.credentials()));
    // One set of credentials for all links: temporary ones may change in between.
    const presigner = new S3RequestPresigner({ ...client.config, credentials, sha256: keyedSha256() });
    // Once this machine's clock is set, what was learned of it before is wrong by as much.
    if (!isSet(storeMs()) || Math.abs(clockStart() - learnedAt) > CLOCK_STEP_MS) {
      client.config.systemClockOffset = 0;
      await learnTime();
      learnedAt = clockStart();
    }
    const signedMs = signedAtMs(storeMs(), linkSeconds);
    const presign = async (key: string) => {
      const request = {
        method: "GET",
        protocol: base.protocol,
        hostname: base.hostname,
        ...(base.port !== "" && { port: Number(base.port) }),
        path: `${base.pathname}${encodeKey(key)}`,
        query: {},
        headers: {},
      };
      const signed = await presigner.presign(request, {
        signingDate: new Date(signedMs),
        expiresIn: linkSeconds,
      });
      return signed.query ?? {};
    };

    const { [SIGNATURE]: _, ...shared } = await presign("");
    const query = Object.entries(shared)
      .map(([name, value]) => `${name}=${encodeSegment(String(value))}`)
      .join("&");
    // Replaced, never emptied: another call may still be filling the one of yesterday.
    if (query !== cached.query || cached.signatures.size > MAX_CACHED)
      cached = { query, signatures: new Map() };
    const known = cached.signatures;
    const signatures: string[] = [];
    for (const key of keys) {
      const signature = known.get(key) ?? String((await presign(key))[SIGNATURE]);
      known.set(key, signature);
      signatures.push(signature);
    }
    // A link signed with temporary credentials dies with them, whatever it says itself.
    const expiresMs = Math.min(
      signedMs + linkSeconds * 1000,
      credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY,
    );
    return { base: base.href, query, signatureName: SIGNATURE, signatures, expiresMs };
  };
  return { base: base.href, sign };
}

/** What the clock showed when the process began: moves only when somebody sets it, or the machine has slept. */
function clockStart(): number {
  return Date.now() - performance.now();
}

/** Where the SDK itself would send requests for the bucket: its rules know regions, path style and buckets with dots. */
function baseUrl(client: S3Connection["client"], options: S3Options): URL {
  const { url } = client.config.endpointProvider({
    Bucket: options.bucket,
    Region: options.region,
    ForcePathStyle: options.forcePathStyle,
    UseFIPS: false,
    UseDualStack: false,
    ...(options.endpoint && { Endpoint: options.endpoint }),
  });
  const folder = options.prefix === "" ? "" : `${encodeKey(options.prefix)}/`;
  return new URL(`${url.href.replace(/\/$/, "")}/${folder}`);
}
