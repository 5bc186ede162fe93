import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../domain/failure.ts";
import { makeDirectory, syncDirectory, writeDurably } from "../flow/durable.ts";
import { placeBody } from "./directory-body.ts";
import type { DirectoryRecord } from "./directory-layout.ts";
import { keyOf, parseRecord, pathOf, RECORD } from "./directory-layout.ts";
import { keyOfLink, signLinks } from "./directory-links.ts";
import { openSecret } from "./directory-secret.ts";
import { translateDiskError } from "./disk-errors.ts";
import { checkLinkSeconds } from "./link-life.ts";
import { checkGuestKey, checkKey } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";

export interface DirectoryStoreOptions {
  /** Folder of the store; made when it is missing. */
  readonly root: string;
  /** Address under which the web server answers links with `resolveSigned`. */
  readonly baseUrl: string;
  readonly linkSeconds: number;
  readonly secretFile: string;
  /** Milliseconds since 1970, for signing links. */
  readonly now?: () => number;
}

/** What to answer to a request for a link: without a right signature 403, whether or not the object exists. */
type SignedFile =
  | {
      readonly status: 200;
      /** Absolute path; its bytes never change. */
      readonly file: string;
      readonly sizeBytes: number;
      readonly contentType: string;
      readonly contentEncoding: "gzip" | null;
      readonly cacheControl: string;
      readonly sha256: string;
    }
  | { readonly status: 403 | 404 };

export interface DirectoryStore extends ObjectStore {
  /** `path` is what follows `baseUrl` as it stands in the URL, percent-encoded, without the slash between them. */
  resolveSigned(path: string, query: URLSearchParams, nowMs: number): Promise<SignedFile>;
}

/** What a put leaves behind when the power goes is nobody's after this long; another process may be at work on younger ones. */
const LEFTOVER_MS = 86_400_000;

/**
 * Opens a store that keeps objects as files of this machine: for galleries without Internet, and for those without a bucket.
 * On return of `put` object and headers are on disk; see directory-layout.ts for what a crash leaves.
 */
export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<DirectoryStore> {
  const { linkSeconds, now = Date.now } = options;
  checkLinkSeconds(linkSeconds);
  const objects = join(options.root, "objects");
  const incoming = join(options.root, "incoming");
  const base = options.baseUrl.endsWith("/") ? options.baseUrl : `${options.baseUrl}/`;
  const secret = await guard(`open the store in ${options.root}`, async () => {
    for (const folder of [objects, incoming]) await makeDirectory(folder);
    await sweep(incoming, now());
    return openSecret(options.secretFile);
  });

  /** The record of a key whose body is there, and the path of that body. */
  async function find(key: string): Promise<{ record: DirectoryRecord; file: string } | null> {
    const at = pathOf(objects, key);
    const record = await readRecord(at);
    if (record === null) return null;
    const file = join(dirname(at), record.body);
    const status = await stat(file).catch(orNull);
    return status?.size === record.sizeBytes ? { record, file } : null;
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    if (prefix !== "") checkKey(prefix);
    const at = prefix === "" ? objects : pathOf(objects, prefix);
    if (prefix !== "" && (await readRecord(at)) !== null) yield prefix;
    const below = prefix === "" ? "" : `${prefix}/`;
    for (const path of (await readdir(at, { recursive: true }).catch(orNull)) ?? []) {
      signal.throwIfAborted();
      const key = keyOf(path);
      if (key !== null) yield below + key;
    }
  }

  /** Compare and put, one at a time: a folder belongs to the one process that holds its library. */
  let replacing: Promise<unknown> = Promise.resolve();

  const store: DirectoryStore = {
    async check(signal) {
      signal.throwIfAborted();
      const trial = join(incoming, `${newId()}.tmp`);
      await guard(`write to ${options.root}`, async () => {
        await writeFile(trial, "");
        await rm(trial);
      });
    },

    async put(object, signal) {
      checkKey(object.key);
      signal.throwIfAborted();
      const at = pathOf(objects, object.key);
      const body = `${basename(at)}@${newId()}`;
      const temporary = join(incoming, `${newId()}.tmp`);
      await guard(`put ${object.key}`, async () => {
        await placeBody(object, temporary, signal);
        try {
          await makeDirectory(dirname(at));
          await rename(temporary, join(dirname(at), body));
        } finally {
          await rm(temporary, { force: true });
        }
        await syncDirectory(dirname(at));
        const old = await readRecord(at);
        const record: DirectoryRecord = {
          body,
          previous: old?.body ?? null,
          sizeBytes: object.sizeBytes,
          sha256: object.sha256,
          contentType: object.contentType,
          contentEncoding: object.contentEncoding ?? null,
          cacheControl: object.cacheControl,
        };
        await writeDurably(at + RECORD, JSON.stringify(record), incoming);
        if (old?.previous) await rm(join(dirname(at), old.previous), { force: true });
      });
    },

    async has(key) {
      checkKey(key);
      const found = await guard(`look at ${key}`, () => find(key));
      return found && { sizeBytes: found.record.sizeBytes, sha256: found.record.sha256 };
    },

    async get(key, signal) {
      checkKey(key);
      const found = await guard(`get ${key}`, () => find(key));
      const bytes =
        found && (await guard(`get ${key}`, () => readFile(found.file, { signal }).catch(orNull)));
      if (found === null || bytes === null) return null;
      if (createHash("sha256").update(bytes).digest("hex") !== found.record.sha256)
        throw new Failure("remote-corrupt", `${found.file} no longer has the bytes that were put as ${key}.`);
      return bytes;
    },

    async getTagged(key, signal) {
      const found = await guard(`look at ${key}`, () => find(key));
      const bytes = await store.get(key, signal);
      return found && bytes && { bytes, tag: found.record.body };
    },

    async replace(object, tag, signal) {
      const turn = replacing.then(async () => {
        const found = await guard(`look at ${object.key}`, () => find(object.key));
        if ((found?.record.body ?? null) !== tag) return false;
        await store.put(object, signal);
        return true;
      });
      replacing = turn.catch(() => undefined);
      return turn;
    },

    list,

    async deletePrefix(prefix, signal) {
      checkKey(prefix);
      const at = pathOf(objects, prefix);
      let count = 0;
      for await (const _ of list(prefix, signal)) count += 1;
      await guard(`delete ${prefix}`, async () => {
        await rm(at + RECORD, { force: true });
        // A put at the same time may add to a folder that is being emptied.
        await rm(at, { recursive: true, force: true, maxRetries: 3 });
        const beside = (await readdir(dirname(at)).catch(orNull)) ?? [];
        for (const name of beside)
          if (name.startsWith(`${basename(at)}@`)) await rm(join(dirname(at), name), { force: true });
        if (beside.length > 0) await syncDirectory(dirname(at));
      });
      return count;
    },

    isOffsite: false,
    base,
    sweep: async () => guard(`sweep ${incoming}`, async () => sweep(incoming, now())),

    async sign(keys) {
      keys.forEach(checkGuestKey);
      return signLinks(secret, { base, keys, linkSeconds, nowMs: now() });
    },

    async resolveSigned(path, query, nowMs) {
      const key = keyOfLink(secret, path, query, nowMs);
      if (key === null) return { status: 403 };
      const found = await guard(`get ${key}`, () => find(key));
      if (found === null) return { status: 404 };
      const { body: _, previous: __, ...headers } = found.record;
      return { status: 200, file: found.file, ...headers };
    },

    async close() {},
  };
  return store;
}

async function guard<Result>(doing: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw translateDiskError(error, doing);
  }
}

async function readRecord(at: string): Promise<DirectoryRecord | null> {
  const text = await readFile(at + RECORD, "utf8").catch(orNull);
  return text === null ? null : parseRecord(text);
}

/** Removes what puts have left in `incoming` that did not come to their end; returns how many. */
async function sweep(incoming: string, nowMs: number): Promise<number> {
  let count = 0;
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const status = await stat(path).catch(orNull);
    // Not the time of modification: a rendition that only got another name here keeps that of its making.
    if (!status || nowMs - status.ctimeMs <= LEFTOVER_MS) continue;
    await rm(path, { force: true });
    count += 1;
  }
  return count;
}

function newId(): string {
  return randomBytes(8).toString("hex");
}

/** For what may well not be there. */
function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}
