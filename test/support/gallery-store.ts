import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import sharp from "sharp";
import type { Gallery } from "../../src/domain/gallery.ts";
import { keys } from "../../src/domain/layout.ts";
import type { NewObject, SignedLinks } from "../../src/domain/object.ts";
import { linkTo } from "../../src/domain/object.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";

export const templates = join(import.meta.dirname, "../../templates");

interface Asked {
  readonly path: string;
  readonly status: number;
  readonly atMs: number;
}

/** A private store on this machine: 403 without the right signature, ETags, and a record of every request. */
export interface TestStore {
  readonly asked: Asked[];
  /** Publishes a gallery, wave after wave. Returns the link of its shell and what was put. */
  publish(gallery: Gallery): Promise<{ readonly link: string; readonly put: readonly string[] }>;
  sign(keys: readonly string[]): Promise<SignedLinks>;
  /**
   * From now on pictures open only by links signed from now on. A gallery's own links last longer: a phone asks for the
   * index a week after, and the index of the day before still opens.
   */
  renewSignatures(): void;
  /** Takes a gallery down, as `revoke` does. */
  remove(slug: string): void;
  /** Makes one rendition answer with this picture instead of the common one. */
  setPicture(key: string, bytes: Uint8Array): void;
  close(): Promise<void>;
}

export async function openStore(): Promise<TestStore> {
  const galleries = openGalleries({ templates });
  const objects = new Map<string, NewObject>();
  const pictures = new Map<string, Uint8Array>();
  const asked: Asked[] = [];
  const common = await sharp({ create: { width: 60, height: 40, channels: 3, background: "#a8b5a2" } })
    .jpeg()
    .toBuffer();
  let secret = 1;
  const signatureOf = (key: string): string =>
    createHmac("sha256", key.includes("/p/") ? `secret ${secret}` : "lasting")
      .update(key)
      .digest("hex");

  const answer = (request: IncomingMessage, response: ServerResponse): number => {
    const url = new URL(request.url ?? "/", "http://store");
    const key = decodeURIComponent(url.pathname).replace(/^\/bucket\/box\//, "");
    response.setHeader("Referrer-Policy", "unsafe-url");
    if (url.searchParams.get("X-Signature") !== signatureOf(key)) return 403;
    const object = objects.get(key);
    const picture = key.includes("/p/") && objects.has(`${key.split("/p/")[0]}/i.json`);
    if (object === undefined && !picture) return 404;
    const body = object === undefined ? (pictures.get(key) ?? common) : bytesOf(object);
    response.setHeader("Content-Type", object?.contentType ?? "image/jpeg");
    response.setHeader("Cache-Control", object?.cacheControl ?? "private, max-age=604800, immutable");
    if (object?.contentEncoding) response.setHeader("Content-Encoding", object.contentEncoding);
    const tag = `"${object?.sha256.slice(0, 32) ?? "picture"}"`;
    response.setHeader("ETag", tag);
    if (request.headers["if-none-match"] === tag) return 304;
    response.end(body);
    return 200;
  };
  const server = createServer((request, response) => {
    // The status is sent with the body above when there is one.
    const status = answer(request, response);
    if (!response.writableEnded) response.writeHead(status).end();
    asked.push({ path: request.url ?? "", status, atMs: performance.now() });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/box/`;

  const sign = async (wanted: readonly string[]): Promise<SignedLinks> => ({
    base,
    query: `X-Credential=GHOST%2F20261114%2Fs3&X-Date=2026111${secret}T000000Z&X-Expires=604800`,
    signatureName: "X-Signature",
    signatures: wanted.map(signatureOf),
    expiresMs: Date.UTC(2026, 8, 26),
  });
  return {
    asked,
    sign,
    async publish(gallery) {
      const put: string[] = [];
      for (const wave of await galleries.objects(gallery, sign))
        for (const object of wave) {
          if (objects.get(object.key)?.sha256 === object.sha256) continue;
          objects.set(object.key, object);
          put.push(object.key);
        }
      const shell = keys.shell(gallery.slug);
      return { link: linkTo(await sign([shell]), shell, 0), put };
    },
    renewSignatures: () => {
      secret++;
    },
    remove(slug) {
      for (const key of objects.keys()) if (key.startsWith(`${keys.gallery(slug)}/`)) objects.delete(key);
    },
    setPicture: (key, bytes) => pictures.set(key, bytes),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function bytesOf(object: NewObject): Uint8Array {
  if (!("bytes" in object.body)) throw new Error("a gallery's objects are in memory");
  return object.body.bytes;
}
