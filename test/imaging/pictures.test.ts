import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { Failure } from "../../src/domain/failure.ts";
import type { ContentHash } from "../../src/domain/hash.ts";
import { openPictures } from "../../src/imaging/pictures.ts";
import type { RenderReply, RenderRequest } from "../../src/imaging/task.ts";
import type { KeptFile, PicturesPort } from "../../src/ingest/ports.ts";
import { temporaryFolder } from "./samples.ts";

const FILE: KeptFile = {
  id: 7,
  path: Buffer.from("DCIM/IMG_0001.JPG"),
  name: "IMG_0001.JPG",
  hash: "ab".repeat(32) as ContentHash,
  media: { kind: "picture", contentType: "image/jpeg" },
  sizeBytes: 10,
  modifiedMs: Date.UTC(2026, 4, 2),
  originalPath: "originals/2026/2026-05-02/card/DCIM/IMG_0001.JPG",
};
const REPLY: RenderReply = {
  derived: { renditions: [], color: "102030", note: null },
  capture: { takenMs: 1, offsetMinutes: null, takenFrom: "exif", camera: null, lens: null, exposure: null },
};
const { signal } = new AbortController();

function picturesThat(
  run: (request: RenderRequest) => Promise<RenderReply>,
  root = "/library",
): PicturesPort {
  const presets = [
    { name: "share", maxLongEdge: 2048, quality: 90 },
    { name: "thumb", maxLongEdge: 480, quality: 80 },
  ] as const;
  return openPictures({ root, render: { run, prepare() {} }, presets, maxPixels: 160e6, preview: null });
}

describe("pictures", () => {
  it("are asked for by the original's path and named after its content", async () => {
    const asked: RenderRequest[] = [];
    const pictures = picturesThat(async (request) => {
      asked.push(request);
      return REPLY;
    });
    assert.deepEqual(await pictures.derive(FILE, signal), { file: FILE, ...REPLY });
    assert.equal(asked[0]?.file, `/library/${FILE.originalPath}`);
    assert.deepEqual(
      asked[0]?.outputs.map(({ file }) => file),
      (["share", "thumb"] as const).map((preset) => pictures.renditionFile(FILE.hash, preset)),
    );
    assert.equal(pictures.renditionFile(FILE.hash, "thumb"), `/library/renditions/ab/${FILE.hash}-thumb.jpg`);
  });

  it("that kill their worker are given up with a note, and keep the file's time", async () => {
    const pictures = picturesThat(() => Promise.reject(new Failure("worker-died", "The worker was killed.")));
    const { derived, capture } = await pictures.derive(FILE, signal);
    assert.deepEqual([derived.renditions, derived.color], [[], null]);
    assert.match(derived.note ?? "", /too long or crashed/);
    assert.deepEqual([capture.takenMs, capture.takenFrom], [FILE.modifiedMs, "file"]);
  });

  it("are there only when every rendition is on disk in its full size", async () => {
    const pictures = picturesThat(() => Promise.resolve(REPLY), await temporaryFolder());
    const renditions = (["share", "thumb"] as const).map((preset) => ({
      preset,
      width: 1,
      height: 1,
      sizeBytes: 5,
      sha256: "",
    }));
    assert.equal(await pictures.hasRenditions(FILE.hash, renditions), false);
    for (const { preset } of renditions) {
      const file = pictures.renditionFile(FILE.hash, preset);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, "12345");
    }
    assert.equal(await pictures.hasRenditions(FILE.hash, renditions), true);
    await writeFile(pictures.renditionFile(FILE.hash, "thumb"), "");
    assert.equal(
      await pictures.hasRenditions(FILE.hash, renditions),
      false,
      "an empty file after a power cut",
    );
  });

  it("pass on every other failure, and bugs", async () => {
    for (const error of [new Failure("disk-full", "No room."), new TypeError("a bug")])
      await assert.rejects(picturesThat(() => Promise.reject(error)).derive(FILE, signal), error);
  });
});
