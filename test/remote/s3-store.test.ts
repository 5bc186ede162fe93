import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import { S3 } from "@aws-sdk/client-s3";
import { linkTo } from "../../src/domain/object.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { failure, newObject, sha256 } from "../contracts/new-object.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { lacks } from "../support/needs.ts";
import { startRadosgw } from "../support/radosgw.ts";

const never = new AbortController().signal;
const DAY_MS = 86_400_000;
const BUSY = errorNamed("ServiceUnavailable");
const server = await startRadosgw();
const skip = server === null && lacks("radosgw");
const { accessKeyId, secretAccessKey } = server ?? { accessKeyId: "x", secretAccessKey: "y" };
after(() => server?.stop());

const options: S3Options = {
  bucket: `ghostroll-${randomUUID()}`,
  prefix: "box one/é",
  region: "us-east-1",
  endpoint: server?.endpoint ?? "http://127.0.0.1:9",
  forcePathStyle: true,
  linkSeconds: 604_800,
  credentials: { accessKeyId, secretAccessKey, sessionToken: null },
};

objectStoreContract("the S3 store on radosgw", skip, async () => {
  const { endpoint, bucket: Bucket } = options;
  const admin = new S3({
    endpoint: endpoint ?? "",
    region: options.region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await admin.createBucket({ Bucket });
  const store = await openS3Store(options);
  return {
    store,
    openAt: (nowMs) => openS3Store({ ...options, now: () => nowMs }),
    countLeftovers: async () => (await admin.listMultipartUploads({ Bucket })).Uploads?.length ?? 0,
    async close() {
      await store.close();
      admin.destroy();
    },
  };
});

describe("the S3 store, when something is wrong with it", { skip }, () => {
  it("says that the secret is wrong, and shows it nowhere", async () => {
    const secret = "another-secret-that-nobody-may-see";
    const store = await openS3Store({ ...options, credentials: { accessKeyId, secretAccessKey: secret } });
    for (const attempt of attempts(store)) {
      const error: unknown = await attempt().then(
        () => null,
        (reason: unknown) => reason,
      );
      assert.ok(failure("remote-refused")(error));
      assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(secret));
    }
    await store.close();
  });

  it("says that the access key id is unknown", async () => {
    const credentials = { accessKeyId: "NOBODY", secretAccessKey };
    const store = await openS3Store({ ...options, credentials });
    await assert.rejects(store.check(never), failure("remote-refused"));
    await store.close();
  });

  it("says that there is no such bucket, and which", async () => {
    const store = await openS3Store({ ...options, bucket: "ghostroll-not-there" });
    await assert.rejects(store.check(never), /"ghostroll-not-there"/);
    for (const attempt of attempts(store)) await assert.rejects(attempt(), failure("remote-no-bucket"));
    await store.close();
  });

  it("works by the server's time when this machine wakes up in another year, also for links", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: Date.now() - 400 * DAY_MS });
    const store = await openS3Store(options);
    await store.put(newObject("g/clock/a", Buffer.from("on time")), never);
    const links = await store.sign(["g/clock/a"]);
    context.mock.timers.reset();
    // Set meanwhile, as by NTP: what was learned of the clock before no longer holds.
    for (const signed of [links, await store.sign(["g/clock/a"])]) {
      assert.equal(await (await fetch(linkTo(signed, "g/clock/a", 0))).text(), "on time");
      // This server opens links from the future, too; Amazon's does not.
      assert.ok(signed.expiresMs < Date.now() + 8 * DAY_MS);
    }
    assert.ok(links.expiresMs > Date.now() + 5 * DAY_MS);
    await store.close();
  });
});

describe("the S3 store without a good server", () => {
  it("says within seconds that nobody listens", async () => {
    const port = await withServer(
      () => {},
      async (endpoint) => new URL(endpoint).port,
    );
    const store = await openS3Store({ ...options, endpoint: `http://127.0.0.1:${port}` });
    const begin = performance.now();
    for (const attempt of attempts(store)) await assert.rejects(attempt(), failure("remote-unreachable"));
    assert.ok(performance.now() - begin < 10_000);
    await store.close();
  });

  it("does not wait for ever for a server that accepts and never answers", async () => {
    const hole = createTcpServer();
    const sockets = new Set<{ destroy(): void }>();
    hole.on("connection", (socket) => sockets.add(socket));
    await once(hole.listen(0, "127.0.0.1"), "listening");
    const endpoint = `http://127.0.0.1:${(hole.address() as { port: number }).port}`;
    for (const timeouts of [{ idleMs: 100 }, { bodyMs: 300, answerMs: 300 }]) {
      const store = await openS3Store({ ...options, endpoint, timeouts });
      const begin = performance.now();
      await assert.rejects(store.check(never), failure("remote-unreachable"));
      await assert.rejects(store.put(newObject("a", Buffer.from("a")), never), failure("remote-unreachable"));
      const large = randomBytes(17 * 1024 * 1024);
      await assert.rejects(store.put(newObject("b", large), never), failure("remote-unreachable"));
      assert.ok(performance.now() - begin < 8000, "within its timeouts");
      await store.close();
    }
    for (const socket of sockets) socket.destroy();
    await once(hole.close(), "close");
  });

  it("believes no server that keeps less than it was sent, or nothing", async () => {
    let head: Record<string, string> | null = {};
    await withServer(
      (request, response) => {
        request.resume().on("end", () => {
          if (request.method !== "HEAD") return response.end();
          return response.writeHead(head ? 200 : 404, head ?? {}).end();
        });
      },
      async (endpoint) => {
        const store = await openS3Store({ ...options, endpoint });
        const put = () => store.put(newObject("a", Buffer.from("hello")), never);
        head = { "content-length": "5" };
        await put();
        head = { "content-length": "4" };
        await assert.rejects(put(), failure("remote-corrupt"));
        head = { "content-length": "5", "x-amz-checksum-sha256": Buffer.alloc(32).toString("base64") };
        await assert.rejects(put(), failure("remote-corrupt"));
        head = null;
        await assert.rejects(put(), failure("remote-corrupt"));
        await store.close();
      },
    );
  });

  it("believes no server that says it has replaced an object, and keeps the old one", async () => {
    const old = { etag: '"old"', "content-length": "4", "x-amz-meta-sha256": sha256(Buffer.from("old!")) };
    await withServer(
      (request, response) => {
        request.resume().on("end", () => {
          if (request.method === "PUT") return response.end();
          return response.writeHead(200, old).end(request.method === "HEAD" ? "" : "old!");
        });
      },
      async (endpoint) => {
        const store = await openS3Store({ ...options, endpoint });
        const tag = (await store.getTagged("a", never))?.tag ?? null;
        for (const text of ["new!", "longer"])
          await assert.rejects(
            store.replace(newObject("a", Buffer.from(text)), tag, never),
            failure("remote-corrupt"),
          );
        assert.ok(await store.replace(newObject("a", Buffer.from("old!")), tag, never), "the same once more");
        await store.close();
      },
    );
  });

  it("believes no server that completes an upload in parts with a piece missing", async () => {
    const object = newObject("a", randomBytes(17 * 1024 * 1024));
    await withServer(
      (request, response) => {
        const url = new URL(request.url ?? "", "http://localhost");
        request.resume().on("end", () => {
          if (request.method === "HEAD") response.setHeader("content-length", object.sizeBytes - 1);
          if (request.method === "PUT") response.setHeader("etag", '"x"');
          if (url.searchParams.has("uploads"))
            return response.end(
              "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
            );
          return response.end(request.method === "POST" ? "<CompleteMultipartUploadResult/>" : "");
        });
      },
      async (endpoint) => {
        const store = await openS3Store({ ...options, endpoint });
        await assert.rejects(store.put(object, never), failure("remote-corrupt"));
        await store.close();
      },
    );
  });

  it("tries again when a server is busy, and sends the whole body each time", async () => {
    const received: number[] = [];
    await withServer(
      (request, response) => {
        let bytes = 0;
        request.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        request.on("end", () => {
          if (request.method === "HEAD") return response.writeHead(200, { "content-length": 70_000 }).end();
          received.push(bytes);
          return received.length < 3 ? response.writeHead(503).end(BUSY) : response.end();
        });
      },
      async (endpoint) => {
        const store = await openS3Store({ ...options, endpoint });
        await store.put(newObject("a", randomBytes(70_000)), never);
        assert.deepEqual(received, [70_000, 70_000, 70_000]);
        await store.close();
      },
    );
  });

  it("gives up on a server that stays busy, and on a sign-in page", async () => {
    const answers = [
      [503, BUSY],
      [302, ""],
      [200, "<html>Welcome to our hotel"],
    ] as const;
    for (const [status, body] of answers)
      await withServer(
        (request, response) => void request.resume().on("end", () => response.writeHead(status).end(body)),
        async (endpoint) => {
          const store = await openS3Store({ ...options, endpoint });
          await assert.rejects(store.check(never), failure("remote-unreachable"));
          await store.close();
        },
      );
  });

  it("says in words what a refusal means, and whether it can pass", async () => {
    const refusals = [
      [403, "RequestTimeTooSkewed", "remote-refused", /clock/],
      [403, "AccessDenied", "remote-refused", /s3:PutObject/],
      [403, "ExpiredToken", "remote-refused", /expired/],
      [301, "PermanentRedirect", "remote-refused", /GHOSTROLL_S3_REGION/],
      [400, "AuthorizationHeaderMalformed", "remote-refused", /GHOSTROLL_S3_REGION/],
      [403, "QuotaExceeded", "remote-full", /is full/],
      [507, "InsufficientStorage", "remote-full", /is full/],
      [413, "EntityTooLarge", "remote-full", /this size/],
      [400, "XAmzContentSHA256Mismatch", "remote-corrupt", /other bytes/],
      [501, "NotImplemented", "remote-unreachable", /501 NotImplemented/],
      [405, "MethodNotAllowed", "remote-unfit", /405 MethodNotAllowed/],
      [400, "InvalidArgument", "remote-unfit", /400 InvalidArgument .* and said "so it is"\.$/],
    ] as const;
    for (const [status, name, code, words] of refusals)
      await withServer(
        (request, response) =>
          void request.resume().on("end", () => response.writeHead(status).end(errorNamed(name))),
        async (endpoint) => {
          const store = await openS3Store({ ...options, endpoint });
          await assert.rejects(store.check(never), failure(code));
          await assert.rejects(store.check(never), words);
          await store.close();
        },
      );
  });

  it("names the settings when there are no access keys at all", async () => {
    const kept = { ...process.env };
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
    const nowhere = {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    };
    Object.assign(process.env, nowhere);
    try {
      const store = await openS3Store({ ...options, credentials: null });
      await assert.rejects(store.check(never), /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
      await assert.rejects(store.sign(["g/a"]), failure("remote-refused"));
      await store.close();
    } finally {
      for (const name of Object.keys(nowhere)) delete process.env[name];
      Object.assign(process.env, kept);
    }
  });
});

function errorNamed(code: string): string {
  return `<Error><Code>${code}</Code><Message>so it is</Message></Error>`;
}

/** Everything one does with a store that has to be there. */
function attempts(store: ObjectStore): (() => Promise<unknown>)[] {
  return [
    () => store.check(never),
    () => store.put(newObject("a", Buffer.from("a")), never),
    () => store.get("a", never),
    () => store.deletePrefix("a", never),
  ];
}

async function withServer<Result>(
  listener: RequestListener,
  run: (endpoint: string) => Promise<Result>,
): Promise<Result> {
  const fake = createServer(listener);
  await once(fake.listen(0, "127.0.0.1"), "listening");
  try {
    return await run(`http://127.0.0.1:${(fake.address() as { port: number }).port}`);
  } finally {
    fake.closeAllConnections();
    await once(fake.close(), "close");
  }
}
