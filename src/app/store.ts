import { join } from "node:path";
import type { Settings } from "../config/slices.ts";
import { isForGuests, isPage } from "../domain/layout.ts";
import { openMeter } from "../flow/meter.ts";
import type { BegunUploads } from "../remote/begun-upload.ts";
import type { ObjectStore } from "../remote/object-store.ts";
import type { S3Options } from "../remote/s3-client.ts";
import type { openWeb, Web } from "../web/server.ts";

/** Tells stores apart in the catalog: what is recorded of one says nothing of another. */
export function storeName({ store, library, share }: Settings): string {
  if (store.bucket === null) return `directory ${library.baseDir}`;
  const pages = share.mode === "capability" && share.bucket !== null ? ` + ${share.bucket}` : "";
  return `s3 ${store.endpoint ?? store.region} ${store.bucket} ${store.prefix}${pages}`;
}

/** The buckets that galleries go to, the one with the pictures first; none when they stay on this machine. */
export function bucketsOf({ store, share }: Settings): S3Options[] {
  const pages = share.mode === "capability" ? share.bucket : null;
  const options = { ...store, linkSeconds: store.expirySeconds };
  return [store.bucket, pages].flatMap((bucket) => (bucket === null ? [] : { ...options, bucket }));
}

/** Whether it is known where links lead: with port 0 a gallery of this machine has an address only while it is served. */
export function hasAddress({ store, web }: Settings): boolean {
  return store.bucket !== null || web.url !== null || web.port !== 0;
}

/** Said in the place of a link. */
export const NO_ADDRESS =
  "There is no link while nobody serves it, since GHOSTROLL_WEB_PORT is 0, any free port. Set it to a port: `ghostroll watch` serves galleries there.";

/** What to do with bugs in answering a guest, or `null` to serve nothing. */
type Serving = { readonly onBug: (error: unknown) => void } | null;

const health = () => ({ status: "ok" });

/**
 * The store that the settings name; when serving also the web server that its links lead to, if it is a directory. What
 * has to be closed is added to `closing`. With `begun`, uploads in parts go on where an earlier run has left them. Only what
 * that takes is loaded: who asks for a name here needs no web server, and nobody needs two kinds of stores.
 */
export async function openStore(
  settings: Settings,
  serving: Serving,
  closing: (() => void | Promise<void>)[],
  begun: BegunUploads | null = null,
): Promise<{ store: ObjectStore; web: Web | null }> {
  const { store, library, web: address } = settings;
  if (store.bucket !== null) {
    const opened = await openBucket(settings, store.bucket, begun);
    closing.push(opened.close);
    return { store: opened, web: null };
  }
  let resolve: Parameters<typeof openWeb>[0]["gallery"] = () => ({ status: 404 });
  const gallery: typeof resolve = (...link) => resolve(...link);
  const server = serving && (await import("../web/server.ts"));
  const web = server && (await server.openWeb({ ...address, gallery, health, ...serving }));
  if (web !== null) closing.push(web.close);
  const base = address.url ?? web?.url ?? `http://${address.host}:${address.port}`;
  const { openDirectoryStore } = await import("../remote/directory-store.ts");
  const opened = await openDirectoryStore({
    root: join(library.baseDir, "store"),
    secretFile: join(library.baseDir, "link-secret"),
    baseUrl: `${base.replace(/\/$/, "")}/o/`,
    linkSeconds: store.expirySeconds,
  });
  resolve = opened.resolveSigned;
  closing.push(opened.close);
  return { store: opened, web };
}

/** The bucket, or the two, with links as the mode of sharing wants them. */
async function openBucket(
  { store, share }: Settings,
  bucket: string,
  begun: BegunUploads | null,
): Promise<ObjectStore> {
  const [{ openS3Store }, { splitStore }, { withOpenLinks }] = await Promise.all([
    import("../remote/s3-store.ts"),
    import("../remote/split-store.ts"),
    import("../remote/open-links.ts"),
  ]);
  const options = { ...store, linkSeconds: store.expirySeconds };
  const { uploadBytesPerSecond: limit } = store;
  const meter = limit === null ? null : openMeter(limit);
  // What is large is never a page.
  const pictures = await openS3Store({ ...options, bucket, begun, meter });
  if (share.mode === "cdn")
    return { ...pictures, sign: withOpenLinks(pictures.sign, share.url ?? pictures.base, isForGuests) };
  if (share.mode !== "capability") return pictures;
  const pages = share.bucket === null ? null : await openS3Store({ ...options, bucket: share.bucket, meter });
  const both = pages === null ? pictures : splitStore(pictures, pages, isPage);
  const base = share.url ?? (pages ?? pictures).base;
  return { ...both, sign: withOpenLinks(both.sign, base, isPage) };
}
