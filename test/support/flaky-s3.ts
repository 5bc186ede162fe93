import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { randomFrom } from "./random.ts";

/** What can go wrong with a request. `truncated` concerns bodies that are stored, all others every request. */
type Fault =
  /** 503 SlowDown, nothing done. */
  | "busy"
  /** The connection ends when a part of the request has been read; nothing is done. */
  | "cutBefore"
  /** It is done, and the connection ends without an answer. */
  | "cutAfter"
  /** Half of the body is stored, and the answer says 200. */
  | "truncated"
  /** The body is read in drips and the answer comes late. */
  | "slow"
  /** Accepted and never answered. */
  | "hole";

export type Odds = Partial<Record<Fault, number>>;

interface Stored {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether these are the bytes that were sent. */
  readonly isWhole: boolean;
}

export interface FlakyS3 {
  readonly endpoint: string;
  readonly port: number;
  /** What is stored, by key. */
  readonly objects: ReadonlyMap<string, Stored>;
  /** Puts something there that nobody has sent. */
  place(key: string, bytes: Buffer): void;
  /** Uploads in parts that were begun and neither completed nor taken back: key and number of parts. */
  readonly openUploads: () => readonly { readonly key: string; readonly parts: number }[];
  /** How often each fault was dealt since the start. */
  readonly dealt: Readonly<Record<Fault, number>>;
  /** Requests since the start. */
  readonly requests: number;
  /** From now on each request meets each fault with that probability. */
  misbehave(odds: Odds): void;
  /** Resolves when nothing is on its way any more: what a killed client has sent may be stored after its end. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** How long a slow answer takes at most; far below any timeout of ours, so that it is slowness and nothing else. */
const SLOW_MS = 1500;

/** An answer other than 200: status, S3's name for it. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
  }
}

/**
 * An S3 server in memory with one bucket, on loopback, for watching what a client does when its server misbehaves. It checks
 * every checksum a client sends, and no signature: that our requests are right is proved against radosgw.
 */
export async function startFlakyS3(bucket: string, { port = 0, seed = 1 } = {}): Promise<FlakyS3> {
  const objects = new Map<string, Stored>();
  const uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Stored> }>();
  const dealt = { busy: 0, cutBefore: 0, cutAfter: 0, truncated: 0, slow: 0, hole: 0 };
  const random = randomFrom(seed);
  let odds: Odds = {};
  let [underWay, requests] = [0, 0];

  function fate(isStored: boolean): Fault | null {
    let dice = random();
    for (const [fault, probability = 0] of Object.entries(odds) as [Fault, number | undefined][]) {
      dice -= probability;
      if (dice >= 0) continue;
      if (fault === "truncated" && !isStored) return null;
      dealt[fault]++;
      return fault;
    }
    return null;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://localhost");
    const [, first = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    const { socket } = request;
    const isStored = request.method === "PUT";
    const fault = fate(isStored);
    if (fault === "hole") return void (await once(response, "close"));
    const body = await readBody(request, fault);
    if (body === null) return void socket.destroy();
    if (fault === "slow") await delay(random() * SLOW_MS);
    let given: { status: number; headers?: Readonly<Record<string, string>>; bytes?: Buffer | string };
    try {
      if (fault === "busy") throw new Refusal(503, "SlowDown");
      if (first !== bucket) throw new Refusal(404, "NoSuchBucket");
      checkBody(request, body);
      given = act(request, key, url.searchParams, fault === "truncated" ? half(body) : body, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      given = { status: error.status, bytes: `<Error><Code>${error.message}</Code></Error>` };
    }
    if (fault === "cutAfter") return void socket.destroy();
    const bytes = request.method === "HEAD" ? "" : (given.bytes ?? "");
    if (request.method !== "HEAD") response.setHeader("content-length", Buffer.byteLength(bytes));
    response.writeHead(given.status, given.headers).end(bytes);
  }

  function act(request: IncomingMessage, key: string, query: URLSearchParams, body: Buffer, sent: Buffer) {
    const id = query.get("uploadId");
    const stored = objects.get(key);
    const toStore: Stored = { bytes: body, headers: kept(request), isWhole: body.length === sent.length };
    const { method = "" } = request;
    switch (method) {
      case "PUT":
        if (id === null) objects.set(key, toStore);
        else upload(id).parts.set(Number(query.get("partNumber")), toStore);
        return { status: 200, headers: { etag: etag(body) } };
      case "HEAD":
      case "GET": {
        if (key === "") return { status: 200, bytes: listing(query) };
        if (stored === undefined) throw new Refusal(404, "NoSuchKey");
        const length = { "content-length": String(stored.bytes.length) };
        return { status: 200, headers: { ...stored.headers, ...length }, bytes: stored.bytes };
      }
      case "DELETE":
        if (id === null) objects.delete(key);
        else {
          upload(id);
          uploads.delete(id);
        }
        return { status: 204 };
      case "POST":
        if (query.has("uploads")) {
          const created = randomUUID();
          uploads.set(created, { key, parts: new Map() });
          const bytes = `<InitiateMultipartUploadResult><UploadId>${created}</UploadId></InitiateMultipartUploadResult>`;
          return { status: 200, bytes };
        }
        if (query.has("delete")) {
          for (const [, name = ""] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(name);
          return { status: 200, bytes: "<DeleteResult/>" };
        }
        if (id !== null) {
          complete(id);
          return { status: 200, bytes: "<CompleteMultipartUploadResult/>" };
        }
        throw new Refusal(405, "MethodNotAllowed");
      default:
        throw new Refusal(405, "MethodNotAllowed");
    }
  }

  function upload(id: string) {
    const found = uploads.get(id);
    if (found === undefined) throw new Refusal(404, "NoSuchUpload");
    return found;
  }

  function complete(id: string): void {
    const { key, parts } = upload(id);
    const inOrder = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
    const bytes = Buffer.concat(inOrder.map((part) => part.bytes));
    objects.set(key, { bytes, headers: {}, isWhole: inOrder.every((part) => part.isWhole) });
    uploads.delete(id);
  }

  function listing(query: URLSearchParams): string {
    if (query.has("uploads")) {
      const open = [...uploads].map(
        ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      return `<ListMultipartUploadsResult>${open.join("")}</ListMultipartUploadsResult>`;
    }
    const prefix = query.get("prefix") ?? "";
    const found = [...objects.keys()].filter((key) => key.startsWith(prefix));
    const contents = found.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
  }

  const server = createServer((request, response) => {
    underWay++;
    requests++;
    answer(request, response)
      .catch((error: unknown) => {
        // A client that was killed in the middle of its request.
        if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
      })
      .finally(() => underWay--);
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const bound = (server.address() as { port: number }).port;
  return {
    endpoint: `http://127.0.0.1:${bound}`,
    port: bound,
    objects,
    place: (key, bytes) => void objects.set(key, { bytes, headers: {}, isWhole: true }),
    openUploads: () => [...uploads.values()].map(({ key, parts }) => ({ key, parts: parts.size })),
    get requests() {
      return requests;
    },
    dealt,
    misbehave(next) {
      odds = next;
    },
    async quiet() {
      for (let tries = 0; underWay > 0; tries++) {
        if (tries > 1000) throw new Error(`${underWay} requests are still under way`);
        await delay(10);
      }
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

/** The body, or null when the connection is to end before that. A client that goes away is ECONNRESET. */
async function readBody(request: IncomingMessage, fault: Fault | null): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (fault === "cutBefore") return null;
    if (fault === "slow") await delay(20);
    pieces.push(piece);
  }
  return fault === "cutBefore" ? null : Buffer.concat(pieces);
}

/** Every checksum that was sent has to hold, and the payload's has to be there: else any bytes could have been stored. */
function checkBody({ headers }: IncomingMessage, body: Buffer): void {
  const digest = (name: string, as: "hex" | "base64") => createHash(name).update(body).digest(as);
  if (headers["x-amz-content-sha256"] !== digest("sha256", "hex"))
    throw new Refusal(400, "XAmzContentSHA256Mismatch");
  const md5 = headers["content-md5"];
  const sha256 = headers["x-amz-checksum-sha256"];
  if (md5 !== undefined && md5 !== digest("md5", "base64")) throw new Refusal(400, "BadDigest");
  if (sha256 !== undefined && sha256 !== digest("sha256", "base64")) throw new Refusal(400, "BadDigest");
}

/** What a server gives back with the object. */
function kept({ headers }: IncomingMessage): Record<string, string> {
  const names = ["content-type", "content-encoding", "cache-control", "x-amz-meta-sha256"];
  return Object.fromEntries(
    names.flatMap((name) => (typeof headers[name] === "string" ? [[name, headers[name]]] : [])),
  );
}

function half(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}

function etag(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}
