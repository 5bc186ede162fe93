import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came in. */
export interface Heard {
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered; `hang` never does, `cut` takes the request and ends the connection without a word. */
export type Answer =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | "hang"
  | "cut";

/** A provider of messages on this machine, which answers what the test tells it to: `answers` in turn, then `always`. */
export async function provider(test: { after(run: () => Promise<void>): void }, always: Answer, port = 0) {
  const heard: Heard[] = [];
  const answers: Answer[] = [];
  const server = createServer((request, response) => {
    const { url = "", method = "", headers } = request;
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      heard.push({ url, method, headers, body });
      const answer = answers.shift() ?? always;
      if (answer === "cut") request.socket.destroy();
      else if (answer !== "hang")
        response.writeHead(answer.status, { connection: "close", ...answer.headers }).end(answer.body ?? "");
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  test.after(close);
  const { port: taken } = server.address() as AddressInfo;
  return { heard, answers, url: `http://127.0.0.1:${taken}`, port: taken, close };
}
