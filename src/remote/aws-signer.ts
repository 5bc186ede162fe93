import { Failure } from "../domain/failure.ts";

/** Whose requests are signed. */
interface AwsIdentity {
  readonly region: string;
  /** Without them the SDK looks in its own places: environment, profile, instance role. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
  } | null;
}

/** A POST to one of Amazon's services. */
interface AwsRequest {
  readonly url: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Signs requests to other services of Amazon than S3 (Signature Version 4) with the keys of the bucket. What it returns gives
 * the headers to send, and throws `remote-refused` when there are no keys. Loads the SDK at the first request.
 */
export function openAwsSigner({ region, credentials }: AwsIdentity) {
  return async ({ url, service, headers, body }: AwsRequest): Promise<Record<string, string>> => {
    const { S3 } = await import("@aws-sdk/client-s3");
    const { protocol, host, hostname, pathname: path } = new URL(url);
    const client = new S3({ region, ...(credentials && { credentials: withoutNull(credentials) }) });
    try {
      // The client's own signer: one for any service, when it is told which.
      const signer = await client.config.signer();
      const request = {
        method: "POST",
        protocol,
        hostname,
        path,
        query: {},
        headers: { ...headers, host },
        body,
      };
      const signed = await signer.sign(request, { signingService: service, signingRegion: region });
      // `fetch` sets it itself, to the same.
      const { host: _, ...rest } = signed.headers;
      return rest;
    } catch (error) {
      // Everything else here is arithmetic: only looking for keys can fail.
      throw new Failure("remote-refused", `No access keys for Amazon ${service.toUpperCase()} were found.`, {
        cause: error,
      });
    } finally {
      client.destroy();
    }
  };
}

function withoutNull({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: NonNullable<AwsIdentity["credentials"]>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) };
}
