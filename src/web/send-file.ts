import type { IncomingMessage, ServerResponse } from "node:http";

/** A file that no longer changes, with what is known of it. */
export interface FoundFile {
  readonly status: 200;
  /** Absolute path. */
  readonly file: string;
  readonly contentType: string;
  readonly contentEncoding: string | null;
  readonly cacheControl: string;
  /** Lower-case hex SHA-256 of its bytes: what browsers compare to ask for it again. */
  readonly sha256: string;
}

/**
 * Answers with a file, whole or in part (RFC 9110, 13 and 14): 200, 206, 304, 412 or 416 without a body of ours. Returns a
 * status instead of answering when the file cannot be opened; ends the connection when it breaks off midway, so that
 * nobody takes half a picture for a whole one.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  found: FoundFile,
): Promise<"sent" | 404 | 500> {
  // With the first guest: a table of all media types comes with it, and a box waits for days.
  const { default: send } = await import("send");
  if (response.destroyed) return "sent";
  const { promise, resolve } = Promise.withResolvers<"sent" | 404 | 500>();
  response.setHeaders(headersOf(found));
  // send() takes a percent-encoded path, and would answer with pages of its own if nobody listened for errors.
  const sending = send(request, encodeURIComponent(found.file), {
    dotfiles: "allow",
    index: false,
    etag: false,
    cacheControl: false,
    lastModified: false,
  });
  sending.on("error", (error: Error & { status: number; headers?: Record<string, string> }) => {
    if (response.headersSent) {
      response.destroy(error);
      resolve("sent");
      return;
    }
    withdraw(response);
    if (error.status === 416 || error.status === 412) {
      response.writeHead(error.status, error.headers).end();
      resolve("sent");
    } else resolve(error.status === 404 ? 404 : 500);
  });
  sending.on("directory", () => {
    withdraw(response);
    resolve(404);
  });
  response.once("close", () => resolve("sent"));
  response.once("finish", () => resolve("sent"));
  sending.pipe(response);
  return promise;
}

/** What belongs to the file and not to a refusal. */
const ENTITY_HEADERS = [
  "Content-Type",
  "Content-Encoding",
  "Content-Length",
  "Cache-Control",
  "ETag",
] as const;

function withdraw(response: ServerResponse): void {
  for (const name of ENTITY_HEADERS) response.removeHeader(name);
}

function headersOf({ contentType, contentEncoding, cacheControl, sha256 }: FoundFile): Map<string, string> {
  const headers = new Map([
    ["Content-Type", contentType],
    ["Cache-Control", cacheControl],
    ["ETag", `"${sha256}"`],
    ["X-Content-Type-Options", "nosniff"],
    // The address of a picture holds its signature, the address of a gallery is its key: neither is told to others.
    ["Referrer-Policy", "no-referrer"],
    ["X-Robots-Tag", "noindex"],
  ]);
  if (contentEncoding !== null) headers.set("Content-Encoding", contentEncoding);
  return headers;
}
