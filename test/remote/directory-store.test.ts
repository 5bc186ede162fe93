import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import send from "send";
import { linkTo } from "../../src/domain/object.ts";
import type { DirectoryStore, DirectoryStoreOptions } from "../../src/remote/directory-store.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import { failure, newObject, sha256 } from "../contracts/new-object.ts";
import { objectStoreContract } from "../contracts/object-store.ts";

const never = new AbortController().signal;
const WEEK_S = 604_800;

objectStoreContract("the directory store", false, async () => {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  let store: DirectoryStore;
  const server = createServer((request, response) => void answer(store, request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const options = {
    root: join(folder, "store"),
    baseUrl: `http://127.0.0.1:${port}/s`,
    linkSeconds: WEEK_S,
    secretFile: join(folder, "link-secret"),
  };
  store = await openDirectoryStore(options);
  return {
    store,
    openAt: (nowMs) => openDirectoryStore({ ...options, now: () => nowMs }),
    countLeftovers: async () => (await readdir(join(options.root, "incoming"))).length,
    async close() {
      await store.close();
      server.closeAllConnections();
      await once(server.close(), "close");
      await rm(folder, { recursive: true });
    },
  };
});

/** The least a web server has to do with a link. */
async function answer(
  store: DirectoryStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = "", query = ""] = (request.url ?? "").replace("/s/", "").split("?");
  const found = await store.resolveSigned(path, new URLSearchParams(query), Date.now());
  response.statusCode = found.status;
  if (found.status !== 200) return void response.end();
  response.setHeader("content-type", found.contentType);
  if (found.contentEncoding) response.setHeader("content-encoding", found.contentEncoding);
  response.setHeader("cache-control", found.cacheControl);
  send(request, found.file, { cacheControl: false, dotfiles: "allow" }).pipe(response);
}

describe("the directory store", () => {
  let folder: string;
  let options: DirectoryStoreOptions;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
    options = {
      root: join(folder, "store"),
      baseUrl: "http://box.local/s/",
      linkSeconds: WEEK_S,
      secretFile: join(folder, "state/link-secret"),
    };
  });
  after(() => rm(folder, { recursive: true }));

  const path = (key: string) => join(options.root, "objects", key);

  it("makes its secret once, for this user alone", async () => {
    const stores = await Promise.all([1, 2, 3].map(() => openDirectoryStore(options)));
    const { mode, size } = await stat(options.secretFile);
    assert.equal(mode & 0o777, 0o600);
    assert.equal(size, 32);
    const [first, ...others] = await Promise.all(stores.map((store) => store.sign(["g/abc"])));
    for (const links of others) assert.deepEqual(links, first);
    assert.deepEqual(await readdir(join(folder, "state")), ["link-secret"]);
  });

  it("says what to do about a secret that is none", async () => {
    const secretFile = join(folder, "damaged-secret");
    await writeFile(secretFile, "short");
    await assert.rejects(openDirectoryStore({ ...options, secretFile }), failure("settings-invalid"));
  });

  it("gives links of another secret no entry", async () => {
    const store = await openDirectoryStore(options);
    const other = await openDirectoryStore({ ...options, secretFile: join(folder, "other-secret") });
    await store.put(newObject("g/secret/a", Buffer.from("a")), never);
    const { query, signatureName, signatures } = await other.sign(["g/secret/a"]);
    const asked = new URLSearchParams(`${query}&${signatureName}=${signatures[0]}`);
    assert.deepEqual(await store.resolveSigned("g/secret/a", asked, Date.now()), { status: 403 });
    assert.equal((await other.resolveSigned("g/secret/a", asked, Date.now())).status, 200);
  });

  it("answers links until their last second, and hides what is missing from all others", async () => {
    const store = await openDirectoryStore(options);
    const links = await store.sign(["g/end/here", "g/end/missing"]);
    await store.put(newObject("g/end/here", Buffer.from("x")), never);
    const asked = (index: number) => new URL(linkTo(links, "k", index)).searchParams;
    const ask = async (key: string, index: number, nowMs: number) =>
      (await store.resolveSigned(key, asked(index), nowMs)).status;
    assert.equal(await ask("g/end/here", 0, links.expiresMs - 1), 200);
    assert.equal(await ask("g/end/here", 0, links.expiresMs), 403);
    assert.equal(await ask("g/end/missing", 1, links.expiresMs - 1), 404);
    assert.equal(await ask("g/end/missing", 1, links.expiresMs), 403);
    assert.equal(await ask("g/end%2Fhere", 0, 0), 403, "an encoded slash separates nothing");
    assert.equal(await ask("end/../g/end/here", 0, 0), 403);
    assert.equal(await ask("%", 0, 0), 403);
    const twice = new URLSearchParams([...asked(0), ...asked(0)]);
    assert.equal((await store.resolveSigned("g/end/here", twice, 0)).status, 403);
  });

  it("gives a rendition a second name instead of copying it, which outlives the first", async () => {
    const store = await openDirectoryStore(options);
    const file = join(folder, "rendition.jpg");
    const bytes = randomBytes(5000);
    await writeFile(file, bytes);
    await store.put(newObject("linked/p.jpg", bytes, { body: { file } }), never);
    assert.equal((await stat(file)).nlink, 2);
    await rm(file);
    assert.ok(bytes.equals((await store.get("linked/p.jpg", never)) ?? Buffer.alloc(0)));
  });

  it("clears away what broken puts left yesterday, and nothing that may still be under way", async () => {
    const incoming = join(options.root, "incoming");
    await writeFile(join(incoming, "left.tmp"), "half a picture");
    await openDirectoryStore(options);
    assert.deepEqual(await readdir(incoming), ["left.tmp"]);
    await openDirectoryStore({ ...options, now: () => Date.now() + 2 * 86_400_000 });
    assert.deepEqual(await readdir(incoming), []);
  });

  it("finds out when the bytes on its disk are no longer those that were put", async () => {
    const store = await openDirectoryStore(options);
    await store.put(newObject("rot/a", Buffer.from("hello")), never);
    const body = (await readdir(path("rot"))).find((name) => /^a@[0-9a-f]/.test(name)) ?? "";
    await writeFile(path(`rot/${body}`), "hellO");
    await assert.rejects(store.get("rot/a", never), failure("remote-corrupt"));
    await writeFile(path(`rot/${body}`), "hell");
    assert.equal(await store.has("rot/a", never), null, "a body cut short is no object");
    await writeFile(path("rot/a@.json"), "{");
    assert.equal(await store.has("rot/a", never), null, "nor is one without a record");
    await store.put(newObject("rot/a", Buffer.from("hello")), never);
    assert.deepEqual(await store.has("rot/a", never), { sizeBytes: 5, sha256: sha256(Buffer.from("hello")) });
  });

  it("keeps the body a reader has just been told of through the next put, and no older one", async () => {
    const store = await openDirectoryStore(options);
    const links = await store.sign(["g/turn/i.json"]);
    const asked = new URL(linkTo(links, "g/turn/i.json", 0)).searchParams;
    for (const text of ["one", "two", "three", "four"]) {
      await store.put(newObject("g/turn/i.json", Buffer.from(text)), never);
      const found = await store.resolveSigned("g/turn/i.json", asked, Date.now());
      assert.ok(found.status === 200);
      await store.put(newObject("g/turn/i.json", Buffer.from(`${text} and more`)), never);
      assert.equal(await readFile(found.file, "utf8"), text);
      assert.equal((await readdir(path("g/turn"))).length, 3, "a record and two bodies");
    }
    assert.equal(await store.deletePrefix("g/turn/i.json", never), 1);
    assert.deepEqual(await readdir(path("g/turn")), []);
  });
});
