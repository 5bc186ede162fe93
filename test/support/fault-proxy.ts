import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as ask, createServer } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { randomFrom } from "./random.ts";

/** What can go wrong between us and a server that is well. */
type Fault =
  /** 503 SlowDown; nothing reaches the server. */
  | "busy"
  /** The connection ends politely when a part of the body has come. */
  | "drop"
  /** The connection is reset when a part of the body has come. */
  | "resetBefore"
  /** The server has done it, and the connection is reset before its answer. */
  | "resetAfter"
  /** 200 for something that never reached the server. */
  | "lie";

export interface FaultProxy {
  readonly endpoint: string;
  /** Bytes of request bodies that came, and went on to the server or not; in all, and by path without its query. */
  readonly bodyBytes: number;
  readonly bytesTo: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly dealt: Readonly<Record<Fault, number>>;
  /** Connections of clients: now, and the most there were at once. */
  readonly sockets: { readonly open: number; readonly most: number };
  /** From now on each request meets each fault with that probability, and bodies come at most that fast in all. */
  misbehave(how: { readonly odds?: Partial<Record<Fault, number>>; readonly bytesPerSecond?: number }): void;
  /** From now on each request goes on to the server when this has resolved. */
  holdUp(until: (method: string, path: string) => Promise<void>): void;
  /** From now on nothing is read and nothing is answered, until `false`. */
  goBlack(isBlack: boolean): void;
  /** When each piece of a body came, in milliseconds of `performance.now`, and how many bytes it had. */
  readonly arrivals: readonly { readonly atMs: number; readonly bytes: number }[];
  close(): Promise<void>;
}

/** An HTTP proxy on loopback in front of an S3 server. Signatures hold: they cover the host that the client asked for. */
export async function startFaultProxy(upstream: string, seed = 1): Promise<FaultProxy> {
  const { hostname, port } = new URL(upstream);
  const random = randomFrom(seed);
  const dealt: Record<Fault, number> = { busy: 0, drop: 0, resetBefore: 0, resetAfter: 0, lie: 0 };
  const sockets = new Set<Socket>();
  const arrivals: { atMs: number; bytes: number }[] = [];
  const bytesTo = new Map<string, number>();
  let odds: Partial<Record<Fault, number>> = {};
  let [bytesPerSecond, bodyBytes, requests, most] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  let freeMs = 0;
  let light: PromiseWithResolvers<void> | null = null;
  let before: Parameters<FaultProxy["holdUp"]>[0] = async () => {};

  function fate({ method, url = "" }: IncomingMessage): Fault | null {
    let dice = random();
    for (const [fault, probability] of Object.entries(odds) as [Fault, number][]) {
      dice -= probability;
      if (dice >= 0) continue;
      // Only what says that something is stored can lie about it; beginning an upload needs an answer of its own.
      const isStoring = method === "PUT" || (method === "POST" && url.includes("uploadId="));
      if (fault === "lie" && !isStoring) return null;
      dealt[fault]++;
      return fault;
    }
    return null;
  }

  async function throttle(bytes: number): Promise<void> {
    if (!Number.isFinite(bytesPerSecond)) return;
    freeMs = Math.max(freeMs, performance.now()) + (bytes / bytesPerSecond) * 1000;
    await delay(Math.max(0, freeMs - performance.now()));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const path = decodeURIComponent((request.url ?? "").split("?")[0] ?? "");
    const fault = fate(request);
    await light?.promise;
    await before(request.method ?? "", path);
    const forwarded =
      fault === "busy" || fault === "lie"
        ? null
        : ask({
            // One connection each: after an early answer the rest of a body would be taken for the next request.
            agent: false,
            hostname,
            port,
            method: request.method,
            path: request.url,
            headers: request.headers,
          });
    const answered =
      forwarded &&
      (once(forwarded, "response").then(([given]) => given as IncomingMessage) as Promise<IncomingMessage>);
    let isAnswered = false;
    // Awaited below; until then a failure must not end the test.
    answered?.then(
      () => {
        isAnswered = true;
      },
      () => undefined,
    );
    request.once("close", () => {
      if (!request.complete) forwarded?.destroy();
    });
    for await (const piece of request as AsyncIterable<Buffer>) {
      await light?.promise;
      bodyBytes += piece.length;
      bytesTo.set(path, (bytesTo.get(path) ?? 0) + piece.length);
      arrivals.push({ atMs: performance.now(), bytes: piece.length });
      await throttle(piece.length);
      if (fault === "drop" || fault === "resetBefore") break;
      // A server that refuses answers before it has read all, and reads no more.
      if (isAnswered || forwarded === null || forwarded.write(piece)) continue;
      await Promise.race([once(forwarded, "drain"), answered]);
    }
    if (fault === "drop" || fault === "resetBefore") {
      forwarded?.destroy();
      return void (fault === "drop" ? socket.destroy() : socket.resetAndDestroy());
    }
    if (fault === "busy") return void response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
    if (answered === null || forwarded === null)
      return void response
        .writeHead(200, { etag: '"d41d8cd98f00b204e9800998ecf8427e"' })
        .end(request.method === "POST" ? "<CompleteMultipartUploadResult/>" : "");
    forwarded.end();
    const given = await answered;
    await light?.promise;
    if (fault === "resetAfter") {
      given.resume();
      await once(given, "end");
      return void socket.resetAndDestroy();
    }
    response.writeHead(given.statusCode ?? 502, given.headers);
    given.pipe(response);
  }

  const server = createServer((request, response) => {
    requests++;
    answer(request, response).catch((error: NodeJS.ErrnoException) => {
      // Either end may be killed at any moment.
      if (!/^(ECONNRESET|EPIPE|ECONNREFUSED|ERR_STREAM)/.test(error.code ?? "")) throw error;
      request.socket.destroy();
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get bodyBytes() {
      return bodyBytes;
    },
    get requests() {
      return requests;
    },
    get sockets() {
      return { open: sockets.size, most };
    },
    bytesTo,
    dealt,
    arrivals,
    misbehave(how) {
      odds = how.odds ?? {};
      bytesPerSecond = how.bytesPerSecond ?? Number.POSITIVE_INFINITY;
    },
    holdUp(until) {
      before = until;
    },
    goBlack(isBlack) {
      light?.resolve();
      light = isBlack ? Promise.withResolvers() : null;
    },
    async close() {
      light?.resolve();
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
