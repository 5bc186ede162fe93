import type { Server } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { Failure } from "../domain/failure.ts";
import { OWN_PAGE_HEADERS, PAGES, type PageName } from "./pages.ts";
import { type FoundFile, sendFile } from "./send-file.ts";
import { objectPath, parseTarget } from "./target.ts";

/** What a signed link leads to. 403: the signature is missing, wrong or expired; 404: there is no such object. */
type Resolved = FoundFile | { readonly status: 403 | 404 };

/** Resolves a signed link: what follows `/o/`, percent-encoded as it was sent and signed, and the query. */
export type ResolveSigned = (
  path: string,
  query: URLSearchParams,
  nowMs: number,
) => Resolved | Promise<Resolved>;

export interface WebOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly gallery: ResolveSigned;
  /** Facts for `/healthz`; nothing secret, since anyone who reaches the port can read them. */
  readonly health: () => object;
  /** Told of bugs in answering a request: the guest gets a page, the server goes on. */
  readonly onBug?: (error: unknown) => void;
  /** Closes the server when it aborts. */
  readonly signal?: AbortSignal;
}

export interface Web {
  /** `http://host:port`, without a trailing slash. */
  readonly url: string;
  /** Takes no more requests, lets running ones end for a moment, then ends every connection. */
  close(): Promise<void>;
}

/** A guest whose phone went to sleep in the middle of a download frees the connection after this time. */
const STALLED_MS = 120_000;
/** How long a running download may go on when the server closes. */
const LAST_WORDS_MS = 2000;

/**
 * Serves galleries to guests by signed links, and its own health. On return it is listening. Throws `port-in-use`, and
 * `settings-invalid` when the address cannot be listened on.
 */
export async function openWeb(options: WebOptions): Promise<Web> {
  const app = routes(options);
  const server = createAdaptorServer({
    hostname: options.host,
    // Of an answer to HEAD, hono keeps status and headers only, and the mark that it was sent already is lost.
    fetch: async (request, env) => {
      const response = await app.fetch(request, env);
      return "headersSent" in env.outgoing && env.outgoing.headersSent ? RESPONSE_ALREADY_SENT : response;
    },
  }) as Server;
  server.setTimeout(STALLED_MS);
  await listen(server, options);
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= closeServer(server);
    return closing;
  };
  options.signal?.addEventListener("abort", () => void close(), { once: true });
  if (options.signal?.aborted) await close();
  return { url: urlOf(server, options.host), close };
}

type Bindings = { Bindings: HttpBindings };

function routes({ gallery, health, onBug }: WebOptions): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.use(async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.header("Allow", "GET, HEAD");
      return page(c, 405);
    }
    await next();
    return undefined;
  });
  app.get("/", (c) => page(c, 200));
  app.get("/healthz", (c) => c.json(health(), 200, OWN_PAGE_HEADERS));
  app.get("/o/*", async (c) => {
    // The address as it was sent: hono's own has been normalized, and what a link says is what was signed.
    const { path, query } = parseTarget(c.env.incoming.url ?? "");
    const object = objectPath(path);
    if (object === null) return page(c, 404);
    const resolved = await gallery(object, query, Date.now());
    if (resolved.status !== 200) return page(c, resolved.status);
    const status = await sendFile(c.env.incoming, c.env.outgoing, resolved);
    return status === "sent" ? RESPONSE_ALREADY_SENT : page(c, status);
  });
  app.notFound((c) => page(c, 404));
  app.onError((error, c) => {
    onBug?.(error);
    return page(c as Context<Bindings>, 500);
  });
  return app;
}

function page(c: Context<Bindings>, status: PageName): Response {
  return c.html(PAGES[status], status, OWN_PAGE_HEADERS);
}

async function listen(server: Server, { host, port }: WebOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (error) {
    throw translate(error, host, port);
  } finally {
    server.off("error", reject);
  }
}

function translate(cause: unknown, host: string, port: number): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  if (code === "EADDRINUSE")
    return new Failure("port-in-use", `Port ${port} on ${host} is used by another program.`, { cause });
  if (code === "EACCES")
    return new Failure(
      "settings-invalid",
      `This user may not listen on port ${port}: set GHOSTROLL_WEB_PORT to 1024 or above.`,
      { cause },
    );
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new Failure(
      "settings-invalid",
      `This machine has no address ${host}: set GHOSTROLL_WEB_HOST to 127.0.0.1, or to 0.0.0.0 for every network.`,
      { cause },
    );
  return cause;
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
  await promise;
  clearTimeout(cut);
}
