import { createHash } from "node:crypto";
import { join } from "node:path";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { captureFromFile } from "../../src/domain/capture.ts";
import type { VolumeId } from "../../src/domain/card.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { openGalleries } from "../../src/gallery/galleries.ts";
import type { Ports } from "../../src/ingest/ports.ts";
import { publish } from "../../src/ingest/publish.ts";
import { signAgain } from "../../src/ingest/sign-again.ts";
import type { S3Options } from "../../src/remote/s3-client.ts";
import { openS3Store } from "../../src/remote/s3-store.ts";
import { templates } from "./gallery-store.ts";

export const DAY_MS = 86_400_000;
export const START_MS = Date.UTC(2026, 10, 20, 9);
const never = new AbortController().signal;
const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));

const amazon: S3Options = {
  bucket: "our-photos",
  prefix: "box",
  region: "eu-central-1",
  forcePathStyle: false,
  linkSeconds: 604_800,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI" },
};

/** A session of so many photos whose pictures are in the store, and a way to publish it from a process just started. */
export function deliveredGallery(folder: string, photos: number, isBehindAnother = false) {
  const catalog = openCatalog(join(folder, "c.db"), "store");
  const volume = { id: "v1" as VolumeId, root: "/card", label: "EOS" };
  if (isBehindAnother) {
    const { id } = catalog.openSession(volume, "2026-11-19", [], { gallery: "party", station: "pi" });
    catalog.beginDelivery(id);
    catalog.markPublished(id, true);
  }
  const files = Array.from({ length: photos }, (_, n) => ({
    path: Buffer.from(`DCIM/IMG_${n}.JPG`),
    sizeBytes: 9,
    modifiedMs: START_MS + n * 7000,
  }));
  const session = catalog.openSession(volume, "2026-11-20", files);
  catalog.find(session.id, files);
  catalog.beginDelivery(session.id);
  const media = mediaByName("x.jpg");
  catalog.settle(
    session,
    catalog.pending(session.id).map((file, n) => ({
      to: "stored" as const,
      file,
      copy: { hash: hashOf(`${n}`), headHash: hashOf(`${n}`), sizeBytes: 9, media, part: "/nowhere" },
      path: `originals/${n}.JPG`,
    })),
  );
  const kept = catalog.stored(session.id, photos);
  const rendition = (preset: "share" | "thumb", width: number) => ({
    preset,
    width,
    height: Math.round((width * 2) / 3),
    sizeBytes: 9,
    sha256: hashOf(preset),
  });
  const derived = {
    renditions: [rendition("share", 2048), rendition("thumb", 480)],
    color: "336699",
    note: null,
  };
  catalog.markRendered(kept.map((file) => ({ file, derived, capture: captureFromFile(file.modifiedMs) })));
  catalog.markUploaded(kept.map(({ id }) => id));
  catalog.finishOffload(session.id);

  const put: string[] = [];
  const started = async (nowMs: number, other: Partial<S3Options> = {}) => {
    const { sign } = await openS3Store({ ...amazon, ...other, now: () => nowMs });
    const store = {
      sign,
      put: async ({ key }: { key: string }) => void put.push(key),
      // As another version of GhostRoll may have written it.
      get: async () => Buffer.from("what a shared gallery is called"),
    } as unknown as Ports["store"];
    const pictures = { preview: async () => ({ bytes: Buffer.from("jpeg"), sha256: hashOf("jpeg") }) };
    return { catalog, store, pictures, galleries: openGalleries({ templates }) } as unknown as Ports;
  };
  return {
    catalog,
    session,
    put: () => put.splice(0),
    publish: async (nowMs: number) => publish(session, "complete", "", await started(nowMs), never),
    /** Once a day and whenever the daemon looks. */
    async signAgain(nowMs: number, other: Partial<S3Options> = {}) {
      const { signed, failure: failed } = await signAgain(
        "",
        await started(nowMs, other),
        never,
        () => nowMs,
      );
      if (failed !== null) throw failed;
      return signed;
    },
  };
}
