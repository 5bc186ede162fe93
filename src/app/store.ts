import { join } from "node:path";
import type { Settings } from "../config/slices.ts";
import { openDirectoryStore } from "../remote/directory-store.ts";
import type { ObjectStore } from "../remote/object-store.ts";
import { openS3Store } from "../remote/s3-store.ts";
import type { Web } from "../web/server.ts";
import { openWeb } from "../web/server.ts";

/** Tells stores apart in the catalog: what is recorded of one says nothing of another. */
export function storeName({ store, library }: Settings): string {
  if (store.bucket === null) return `directory ${library.baseDir}`;
  return `s3 ${store.endpoint ?? store.region} ${store.bucket} ${store.prefix}`;
}

/** What to do with bugs in answering a guest, or `null` to serve nothing. */
type Serving = { readonly onBug: (error: unknown) => void } | null;

const health = () => ({ status: "ok" });

/**
 * The store that the settings name; when serving also the web server that its links lead to, if it is a directory. What
 * has to be closed is added to `closing`.
 */
export async function openStore(
  { store, library, web: address }: Settings,
  serving: Serving,
  closing: (() => void | Promise<void>)[],
): Promise<{ store: ObjectStore; web: Web | null }> {
  if (store.bucket !== null) {
    const opened = await openS3Store({ ...store, bucket: store.bucket, linkSeconds: store.expirySeconds });
    closing.push(opened.close);
    return { store: opened, web: null };
  }
  let resolve: Parameters<typeof openWeb>[0]["gallery"] = () => ({ status: 404 });
  const web =
    serving && (await openWeb({ ...address, gallery: (...link) => resolve(...link), health, ...serving }));
  if (web !== null) closing.push(web.close);
  const base = address.url ?? web?.url ?? `http://${address.host}:${address.port}`;
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
