import { spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { S3 } from "@aws-sdk/client-s3";
import { pMapIterable } from "p-map";
import type { Catalog } from "../src/catalog/catalog.ts";
import { openCatalog } from "../src/catalog/catalog.ts";
import { SETTINGS } from "../src/config/settings.ts";
import type { NewObject } from "../src/domain/object.ts";
import { CACHE_FOREVER } from "../src/domain/object.ts";
import { openS3Store } from "../src/remote/s3-store.ts";
import { startRadosgw } from "../test/support/radosgw.ts";
import type { Setting } from "./measure.ts";
import { interleave, median, ratioOf } from "./measure.ts";
import type { Row } from "./table.ts";
import { atLeast } from "./table.ts";

const BUCKET = "bench";
const UPLOADS = Number(SETTINGS.UPLOAD_WORKERS.default);
/** Originals go four at a time. */
const LARGE_AT_ONCE = 4;

/** Does our uploading keep up with the program that is made for nothing else? Both prove what they have put. */
export async function uploads({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const small = await filesIn(join(folder, "small"), isShort ? 100 : 500, 500_000);
  const large = await filesIn(join(folder, "large"), 4, isShort ? 50_000_000 : 200_000_000);
  // One round differs from the next by a tenth; the server is another one each time.
  const rounds = isShort ? 3 : 15;
  const tiny = await race(folder, small, "small", UPLOADS, rounds);
  const huge = await race(folder, large, "large", LARGE_AT_ONCE, rounds);
  const bytes = large.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    row(`upload ${small.length} × 500 KB`, "objects/s", small.length / median(tiny.ours), tiny),
    row(`upload 4 × ${isShort ? 50 : 200} MB`, "MB/s", bytes / 1e6 / median(huge.ours), huge),
  ];
}

type S3Server = NonNullable<Awaited<ReturnType<typeof startRadosgw>>>;

interface Seconds {
  readonly ours: readonly number[];
  readonly rclone: readonly number[];
}

function row(question: string, unit: string, figure: number, { ours, rclone }: Seconds): Row {
  const ratio = ratioOf(rclone, ours);
  return { question, figure, unit, against: { what: "rclone copy", ratio }, goal: atLeast(1, ratio) };
}

async function race(
  folder: string,
  files: readonly NewObject[],
  source: string,
  atOnce: number,
  rounds: number,
): Promise<Seconds> {
  const catalog = openCatalog(join(folder, `${source}.db`), BUCKET);
  const signal = new AbortController().signal;
  let box: Awaited<ReturnType<typeof openBox>> | null = null;
  const newBox = async () => {
    await box?.close();
    box = await openBox(catalog);
    return box;
  };
  try {
    return await interleave(rounds, {
      // Everything is in its memory, what was deleted too for hours, and rclone leaves out what is there.
      "a new server": newBox,
      async ours() {
        const puts = pMapIterable(files, async (file) => box?.store.put(file, signal), {
          concurrency: atOnce,
        });
        for await (const _ of puts);
      },
      rclone: async () => box && rcloneCopy(box.server, join(folder, source)),
    });
  } finally {
    await (box as Awaited<ReturnType<typeof openBox>> | null)?.close();
    catalog.close();
  }
}

async function openBox(catalog: Catalog) {
  const server = await startRadosgw();
  if (server === null) throw new Error("The question `uploads` needs radosgw and rclone.");
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const common = { region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } };
  const admin = new S3({ ...common, endpoint });
  await admin.createBucket({ Bucket: BUCKET });
  admin.destroy();
  const store = await openS3Store({
    ...common,
    endpoint,
    bucket: BUCKET,
    prefix: "ours",
    linkSeconds: 60,
    begun: catalog,
  });
  return {
    server,
    store,
    async close() {
      await store.close();
      await server.stop();
    },
  };
}

/** As a person would call it: four files at once, those of 200 MB in one request each. */
async function rcloneCopy(
  { endpoint, accessKeyId, secretAccessKey }: S3Server,
  source: string,
): Promise<void> {
  const remote = `:s3,provider=Ceph,access_key_id=${accessKeyId},secret_access_key=${secretAccessKey},endpoint="${endpoint}":${BUCKET}/rclone`;
  const child = spawn("rclone", ["copy", "--config", "", "--s3-no-check-bucket", source, remote], {
    // It knows no certificates of its own beside the system's.
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`rclone copy ended with ${code}`);
}

async function filesIn(folder: string, count: number, sizeBytes: number): Promise<NewObject[]> {
  await mkdir(folder);
  const files: NewObject[] = [];
  for (let number = 0; number < count; number++) {
    const bytes = randomFillSync(Buffer.allocUnsafe(sizeBytes));
    const file = join(folder, `${number}.jpg`);
    await writeFile(file, bytes);
    files.push({
      key: `g/${number}.jpg`,
      body: { file },
      sizeBytes,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      contentType: "image/jpeg",
      cacheControl: CACHE_FOREVER,
    });
  }
  return files;
}
