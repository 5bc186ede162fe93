import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as ask, createServer } from "node:http";

export interface PickyProxy {
  readonly endpoint: string;
  /** Headers that are refused from now on, as Backblaze B2 does it: each name that matches. */
  refuse(names: RegExp | null): void;
  /** How many bodies that are put from now on get one other bit on their way. */
  damage(bodies: number): void;
  /** Headers that were refused so far. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

/** An HTTP proxy on loopback in front of an S3 server that is pickier than it. Signatures hold, as they do in `startFaultProxy`. */
export async function startPickyProxy(upstream: string): Promise<PickyProxy> {
  const { hostname, port } = new URL(upstream);
  const refused: string[] = [];
  let names: RegExp | null = null;
  let toDamage = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path, headers } = request;
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    const name = Object.keys(headers).find((one) => names?.test(one));
    if (name !== undefined) {
      refused.push(name);
      const says = `Unsupported header '${name}' received for this API call.`;
      const xml = `<Error><Code>InvalidArgument</Code><Message>${says}</Message></Error>`;
      return void response.writeHead(400).end(method === "HEAD" ? "" : xml);
    }
    if (method === "PUT" && body.length > 0 && toDamage > 0) {
      toDamage--;
      body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);
    }
    const forwarded = ask({ agent: false, hostname, port, method, path, headers }).end(body);
    // After an answer to HEAD Swift may still send a body, which concerns nobody.
    forwarded.on("error", () => undefined);
    const [given] = (await once(forwarded, "response")) as [IncomingMessage];
    response.writeHead(given.statusCode ?? 502, given.headers);
    given.pipe(response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    refuse(which) {
      names = which;
    },
    damage(bodies) {
      toDamage = bodies;
    },
    refused,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
