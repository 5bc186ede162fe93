import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Capture } from "../../src/domain/capture.ts";
import { captureFromFile } from "../../src/domain/capture.ts";
import { countShown } from "../../src/domain/gallery.ts";
import { contentHash } from "../../src/domain/hash.ts";
import { mediaByName } from "../../src/domain/media.ts";
import { stemOf, tiles } from "../../src/domain/tiles.ts";

const at = (minute: number): Capture => ({
  ...captureFromFile(Date.UTC(2026, 5, 1, 10, minute)),
  takenFrom: "exif",
});

function file(path: string, capture: Capture | null = null, isInStore = true) {
  const name = path.split("/").at(-1) ?? "";
  const hash = contentHash(
    Array.from(path)
      .map((c) => c.charCodeAt(0).toString(16))
      .join("")
      .padStart(64, "0")
      .slice(-64),
  );
  const bytes = new TextEncoder().encode(path);
  const { kind } = mediaByName(name);
  const thumb = { preset: "thumb", width: 3, height: 2, sizeBytes: 9, sha256: hash } as const;
  const shown = { color: null, note: null, renditions: kind === "picture" ? [thumb] : [] };
  const noon = captureFromFile(Date.UTC(2026, 5, 1, 12));
  return { hash, kind, name, stem: stemOf(bytes), isInStore, capture: capture ?? noon, ...shown };
}

const names = (files: ReturnType<typeof file>[]) => tiles(files).items.map((item) => item.name);

describe("the tiles of a gallery", () => {
  it("are in capture order over two cameras and repeated names", () => {
    const files = [
      file("100A/IMG_0002.JPG", at(3)),
      file("101B/IMG_0001.JPG", at(1)),
      file("100A/IMG_0001.JPG", at(2)),
    ];
    assert.deepEqual(
      tiles(files).items.map((item) => item.capture.takenMs),
      [at(1), at(2), at(3)].map((c) => c.takenMs),
    );
  });

  it("break a tie by the number in the name, and put what has no believable time last", () => {
    const undated = { ...at(0), takenMs: null };
    assert.deepEqual(
      names([file("a/X_0009.JPG", undated), file("a/DSC_0010.JPG", at(1)), file("a/IMG_0002.JPG", at(1))]),
      ["IMG_0002.JPG", "DSC_0010.JPG", "X_0009.JPG"],
    );
  });

  it("show RAW and JPEG of one stem as one picture, and a RAW alone as a tile of its own", () => {
    const files = [
      file("100/A_1.JPG", at(1)),
      file("100/A_1.nef", at(1)),
      file("101/A_1.NEF", at(2)),
      file("100/A_1.XMP"),
    ];
    assert.deepEqual(names(files), ["A_1.JPG", "A_1.NEF"]);
    assert.equal(tiles(files).expected, 2);
  });

  it("leave out what is not in the store yet, and still expect it", () => {
    const files = [file("a/1.JPG", at(1)), file("a/2.JPG", at(2), false)];
    assert.deepEqual(names(files), ["1.JPG"]);
    assert.equal(tiles(files).expected, 2);
  });

  it("leave out a picture that cannot be shown, once that is known, and show the RAW beside it instead", () => {
    const damaged = { ...file("a/1.JPG", at(1)), renditions: [] };
    const files = [damaged, file("a/1.NEF", at(1)), file("a/2.JPG", at(2)), file("a/3.MP4", at(3))];
    assert.deepEqual(names(files), ["1.NEF", "2.JPG", "3.MP4"]);
    assert.equal(tiles(files).expected, 3);
    assert.deepEqual(countShown(tiles(files).items), { photos: 1, videos: 1, unseen: 1 });
    const unknown = [{ ...damaged, isInStore: false }, file("a/2.JPG", at(2))];
    assert.deepEqual([names(unknown), tiles(unknown).expected], [["2.JPG"], 2]);
  });
});
