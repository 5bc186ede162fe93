import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Failure } from "../../src/domain/failure.ts";
import { openWeb, type ResolveSigned, type Web } from "../../src/web/server.ts";

const PICTURE = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const SHA256 = createHash("sha256").update(PICTURE).digest("hex");

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Sends a request target exactly as written: fetch() would tidy `..` away before anyone could refuse it. */
function ask(web: Web, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { hostname, port } = new URL(web.url);
  const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
    );
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

describe("web server", () => {
  let folder: string;
  let web: Web;
  const asked: string[] = [];
  const bugs: unknown[] = [];

  const gallery: ResolveSigned = (key, query) => {
    asked.push(key);
    if (key === "bug") throw new TypeError("a bug");
    if (query.get("s") !== "good") return { status: 403 };
    const files: Record<string, string> = {
      "g/a%20b/%C3%BC.jpg": "picture.jpg",
      gone: "gone.jpg",
      folder: "folder",
    };
    const file = files[key];
    if (file === undefined) return { status: 404 };
    return {
      status: 200,
      file: join(folder, file),
      contentType: "image/jpeg",
      contentEncoding: null,
      cacheControl: "private, max-age=604800, immutable",
      sha256: SHA256,
    };
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
    await writeFile(join(folder, "picture.jpg"), PICTURE);
    await mkdir(join(folder, "folder"));
    web = await openWeb({
      host: "127.0.0.1",
      port: 0,
      gallery,
      health: () => ({ cards: 1 }),
      onBug: (error) => bugs.push(error),
    });
  });

  after(async () => {
    await web.close();
    await rm(folder, { recursive: true });
  });

  const LINK = "/o/g/a%20b/%C3%BC.jpg?s=good";

  it("sends a signed file whole, with what the store knows of it", async () => {
    const { status, headers, body } = await ask(web, LINK);
    assert.equal(status, 200);
    assert.deepEqual(body, PICTURE);
    assert.equal(headers["content-type"], "image/jpeg");
    assert.equal(headers["content-length"], "1000");
    assert.equal(headers["cache-control"], "private, max-age=604800, immutable");
    assert.equal(headers["etag"], `"${SHA256}"`);
    assert.equal(headers["accept-ranges"], "bytes");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["last-modified"], undefined);
  });

  it("says the encoding of a file that is stored compressed", async () => {
    const other = await openWeb({
      host: "127.0.0.1",
      port: 0,
      health: () => ({}),
      gallery: () => ({
        status: 200,
        file: join(folder, "picture.jpg"),
        contentType: "text/html; charset=utf-8",
        contentEncoding: "gzip",
        cacheControl: "no-cache",
        sha256: SHA256,
      }),
    });
    const { headers } = await ask(other, "/o/g/slug");
    await other.close();
    assert.equal(headers["content-encoding"], "gzip");
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
  });

  it("answers HEAD with the same headers and no body, without a word on the console", async (t) => {
    const spoken = t.mock.method(console, "error", () => undefined);
    const { status, headers, body } = await ask(web, LINK, {}, "HEAD");
    assert.equal(status, 200);
    assert.equal(headers["content-length"], "1000");
    assert.equal(headers["etag"], `"${SHA256}"`);
    assert.equal(body.length, 0);
    assert.equal((await ask(web, LINK, { range: "bytes=0-9" }, "HEAD")).status, 206);
    assert.equal(spoken.mock.callCount(), 0);
  });

  for (const [range, status, contentRange, from, to] of [
    ["bytes=0-99", 206, "bytes 0-99/1000", 0, 100],
    ["bytes=900-", 206, "bytes 900-999/1000", 900, 1000],
    ["bytes=-10", 206, "bytes 990-999/1000", 990, 1000],
    ["bytes=990-5000", 206, "bytes 990-999/1000", 990, 1000],
    ["bytes=5-1", 416, "bytes */1000", 0, 0],
    ["bytes=1000-", 416, "bytes */1000", 0, 0],
    ["lines=1-2", 200, undefined, 0, 1000],
  ] as const)
    it(`answers the range ${range} with ${status}`, async () => {
      const answer = await ask(web, LINK, { range });
      assert.equal(answer.status, status);
      assert.equal(answer.headers["content-range"], contentRange);
      assert.deepEqual(answer.body, PICTURE.subarray(from, to));
    });

  it("sends the whole file when a range was meant for another version of it", async () => {
    const { status, body } = await ask(web, LINK, { range: "bytes=0-9", "if-range": '"other"' });
    assert.equal(status, 200);
    assert.equal(body.length, PICTURE.length);
  });

  it("sends nothing to a browser that has the file", async () => {
    const { status, headers, body } = await ask(web, LINK, { "if-none-match": `"${SHA256}"` });
    assert.equal(status, 304);
    assert.equal(body.length, 0);
    assert.equal(headers["etag"], `"${SHA256}"`);
    const other = await ask(web, LINK, { "if-none-match": '"another"' });
    assert.equal(other.status, 200);
  });

  it("refuses an unsigned link with a page that tells a guest what to do, and a stranger nothing", async () => {
    const { status, headers, body } = await ask(web, "/o/g/a%20b/%C3%BC.jpg?s=bad");
    assert.equal(status, 403);
    assert.match(body.toString(), /This gallery is not available/);
    assert.doesNotMatch(body.toString(), /ghostroll-|picture\.jpg|signature/i);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(headers["cache-control"], "no-store");
    const head = await ask(web, "/o/g/a%20b/%C3%BC.jpg", {}, "HEAD");
    assert.deepEqual([head.status, head.body.length], [403, 0]);
  });

  it("allows its own page's style by hash, and no other", async () => {
    const { headers, body } = await ask(web, "/");
    const style = /<style>(.*)<\/style>/s.exec(body.toString())?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    assert.match(body.toString(), /GhostRoll is running/);
    assert.ok(String(headers["content-security-policy"]).includes(`style-src 'sha256-${hash}'`));
  });

  for (const key of ["unknown", "gone", "folder"])
    it(`answers 404 for an object that is ${key} and keeps none of its headers`, async () => {
      const { status, headers, body } = await ask(web, `/o/${key}?s=good`);
      assert.equal(status, 404);
      assert.equal(headers["content-type"], "text/html; charset=UTF-8");
      assert.equal(headers["etag"], undefined);
      assert.equal(headers["cache-control"], "no-store");
      assert.match(body.toString(), /Nothing is here/);
    });

  for (const path of [
    "/o/../secret",
    "/o/g/../../secret",
    "/o/%2e%2e/secret",
    "/o/%2E%2E%2Fsecret",
    "/o/..%2fsecret",
    "/o/..%5csecret",
    "/o/..\\secret",
    "/o/g%5c..%5csecret",
    "/o/%252e%252e/..%2fsecret",
    "/o/g/%00",
    "/o/g/secret%00.jpg",
    "/o/g/%0d%0aX-Evil:%201",
    "/o//etc/passwd",
    "/o/%2fetc%2fpasswd",
    "/o/./g",
    "/o/.hidden",
    "/o/g/",
    "/o/",
    "/o",
    "/o/%ff",
    "/o/%zz",
    "/o/..;/secret",
    "//o/../secret",
  ])
    it(`never asks the store for ${path}`, async () => {
      asked.length = 0;
      const { status } = await ask(web, `${path}?s=good`);
      assert.ok(status === 404 || status === 400, `answered ${status}`);
      assert.deepEqual(asked, []);
    });

  it("hands the store the path as it was sent, since that is what was signed", async () => {
    asked.length = 0;
    await ask(web, "/o/a%2541/b%20c?s=bad");
    assert.deepEqual(asked, ["a%2541/b%20c"]);
  });

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"])
    it(`refuses ${method}`, async () => {
      const { status, headers } = await ask(web, LINK, {}, method);
      assert.equal(status, 405);
      assert.equal(headers["allow"], "GET, HEAD");
    });

  it("answers 404 for everything else", async () => {
    assert.equal((await ask(web, "/status.json")).status, 404);
    assert.equal((await ask(web, "/.env")).status, 404);
  });

  it("tells its health", async () => {
    const { status, body } = await ask(web, "/healthz");
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body.toString()), { cards: 1 });
  });

  it("survives a bug in answering one request and reports it", async () => {
    const { status, body } = await ask(web, "/o/bug");
    assert.equal(status, 500);
    assert.doesNotMatch(body.toString(), /TypeError|a bug/);
    assert.equal(bugs.length, 1);
    assert.equal((await ask(web, LINK)).status, 200);
  });

  it("names the port when another program has it", async () => {
    const port = Number(new URL(web.url).port);
    await assert.rejects(
      openWeb({ host: "127.0.0.1", port, gallery, health: () => ({}) }),
      (error) => Failure.is(error) && error.code === "port-in-use" && error.message.includes(String(port)),
    );
  });

  it("names the address when this machine does not have it", async () => {
    await assert.rejects(
      openWeb({ host: "192.0.2.1", port: 0, gallery, health: () => ({}) }),
      (error) =>
        Failure.is(error) && error.code === "settings-invalid" && error.message.includes("192.0.2.1"),
    );
  });

  it("closes at once although a browser keeps its connection open", async () => {
    const other = await openWeb({ host: "127.0.0.1", port: 0, gallery, health: () => ({}) });
    const socket = connect(Number(new URL(other.url).port), "127.0.0.1");
    const ended = Promise.withResolvers<void>();
    socket.on("close", () => ended.resolve());
    const answered = Promise.withResolvers<void>();
    socket.on("data", () => answered.resolve());
    socket.write("GET /healthz HTTP/1.1\r\nHost: box\r\nConnection: keep-alive\r\n\r\n");
    await answered.promise;
    const startedMs = performance.now();
    await Promise.all([other.close(), ended.promise]);
    assert.ok(performance.now() - startedMs < 1000);
    await assert.rejects(ask(other, "/"), /ECONNREFUSED/);
  });

  it("closes when its signal aborts, running downloads included", async () => {
    const stop = new AbortController();
    const large = join(folder, "large.bin");
    await writeFile(large, Buffer.alloc(64 * 1024 * 1024));
    const other = await openWeb({
      host: "127.0.0.1",
      port: 0,
      health: () => ({}),
      signal: stop.signal,
      gallery: () => ({
        status: 200,
        file: large,
        contentType: "video/mp4",
        contentEncoding: null,
        cacheControl: "no-cache",
        sha256: SHA256,
      }),
    });
    const socket = connect(Number(new URL(other.url).port), "127.0.0.1");
    const ended = Promise.withResolvers<void>();
    socket.on("close", () => ended.resolve());
    socket.on("error", () => ended.resolve());
    socket.write("GET /o/large HTTP/1.1\r\nHost: box\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));
    stop.abort();
    await other.close();
    socket.resume();
    await ended.promise;
    await assert.rejects(ask(other, "/"), /ECONNREFUSED/);
  });
});
