import assert from "node:assert/strict";
import { join } from "node:path";
import type { DirectoryStore } from "../../../src/remote/directory-store.ts";
import { openDirectoryStore } from "../../../src/remote/directory-store.ts";
import { lookInto } from "../../support/look-into.ts";
import type { Acknowledged } from "./acknowledged.ts";

/** Everything that was acknowledged before a cut is acknowledged after it; `assertSound` compares that with the files. */
export function assertRemembered(before: Acknowledged, after: Acknowledged): void {
  for (const [path, hash] of before)
    assert.equal(after.get(path), hash, `${path} was acknowledged, and the catalog has forgotten it`);
}

/** What the catalog or the output said to be in the store is there, whole: objects, and links that were given to people. */
export async function assertInStore(base: string, catalog: string, out: string): Promise<void> {
  const store = await openDirectoryStore({
    root: join(base, "store"),
    secretFile: join(base, "link-secret"),
    baseUrl: "http://127.0.0.1/o/",
    linkSeconds: 3600,
  });
  try {
    const never = new AbortController().signal;
    for (const key of recordedKeys(catalog))
      assert.notEqual(await store.get(key, never), null, `${key} is recorded as put, and the store lacks it`);
    for (const [, link = ""] of out.matchAll(/\bgallery (http\S+)/g)) await assertOpens(store, new URL(link));
  } finally {
    await store.close();
  }
}

async function assertOpens(store: DirectoryStore, { href, pathname, searchParams }: URL): Promise<void> {
  const path = pathname.replace(/^\/o\//, "");
  const { status } = await store.resolveSigned(path, searchParams, Date.now());
  assert.equal(status, 200, `${href} was given to people, and does not open`);
}

function recordedKeys(catalog: string): readonly string[] {
  const connection = lookInto(catalog);
  if (connection === null) return [];
  try {
    const isMade =
      connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'object'").get() !== undefined;
    return isMade ? (connection.prepare("SELECT key FROM object").pluck().all() as string[]) : [];
  } finally {
    connection.close();
  }
}
