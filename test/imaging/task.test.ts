import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { Failure } from "../../src/domain/failure.ts";
import { withExif } from "../../src/imaging/demo/exif.ts";
import { EXIF_BYTES } from "../../src/imaging/exif.ts";
import render from "../../src/imaging/task.ts";
import { lacks } from "../support/needs.ts";
import { exiftool } from "./exiftool.ts";
import { colorOf, corpus, picture, requestFor, SHOT, temporaryFolder } from "./samples.ts";

const folder = await temporaryFolder();
const share = join(folder, "out/share.jpg");
const thumb = join(folder, "out/thumb.jpg");
const withoutCorpus = existsSync(corpus) ? false : "needs the corpus of camera files beside the checkout";

async function renderBytes(bytes: Buffer | string, name = "IMG_0001.JPG") {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return render(requestFor(file, folder));
}

const speckled = picture(3000, 2000, (x, y) => [(x * y) % 251, (x * 7 + y * 3) % 241, (x ^ y) % 256]);

describe("rendering", () => {
  it("gives both renditions with the size and hash of their bytes", async () => {
    const { derived } = await renderBytes(await speckled.clone().jpeg().toBuffer());
    assert.equal(derived.note, null);
    assert.match(derived.color ?? "", /^[0-9a-f]{6}$/);
    assert.deepEqual(
      derived.renditions.map(({ preset, width, height }) => [preset, width, height]),
      [
        ["share", 2048, 1365],
        ["thumb", 480, 320],
      ],
    );
    for (const { preset, sizeBytes, sha256 } of derived.renditions) {
      const bytes = await readFile(preset === "share" ? share : thumb);
      assert.equal(bytes.length, sizeBytes);
      assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
    }
    assert.equal((await sharp(share).metadata()).isProgressive, true);
    assert.deepEqual(
      readdirSync(join(folder, "out")).toSorted(),
      ["share.jpg", "thumb.jpg"],
      "no temporary file stays",
    );
  });

  it("reads the original once for both renditions", async () => {
    const file = join(folder, "once.jpg");
    await writeFile(
      file,
      await speckled.clone().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
    );
    await render(requestFor(file, folder));
    const readSoFar = () => Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
    const before = readSoFar();
    await render(requestFor(file, folder));
    const read = readSoFar() - before - EXIF_BYTES;
    const { size } = await stat(file);
    assert.ok(read < 1.5 * size, `read ${read} bytes of a file of ${size}`);
  });

  it("never enlarges", async () => {
    const { derived } = await renderBytes(
      await picture(300, 200, () => [9, 99, 199])
        .jpeg()
        .toBuffer(),
    );
    assert.deepEqual(
      derived.renditions.map(({ width }) => width),
      [300, 300],
    );
  });

  // Corners of the upright picture, clockwise from the upper left, for each orientation of a stored R G W B.
  const UPRIGHT = ["RGWB", "GRBW", "WBRG", "BWGR", "RBWG", "BRGW", "WGRB", "GWBR"];
  const COLORS = { R: [220, 30, 30], G: [30, 200, 30], B: [30, 30, 220], W: [250, 250, 250] } as const;
  for (const [index, corners] of UPRIGHT.entries())
    it(`turns EXIF orientation ${index + 1} upright`, async () => {
      const stored = picture(
        640,
        480,
        (x, y) => COLORS[y < 240 ? (x < 320 ? "R" : "G") : x < 320 ? "B" : "W"],
      );
      const jpeg = await stored.jpeg({ quality: 95 }).toBuffer();
      await renderBytes(withExif(jpeg, { ...SHOT, orientation: (index + 1) as 1 }));
      const places = [
        [0.2, 0.2],
        [0.8, 0.2],
        [0.8, 0.8],
        [0.2, 0.8],
      ] as const;
      for (const file of [share, thumb]) {
        let seen = "";
        for (const [x, y] of places) {
          const color = await colorOf(file, x, y);
          seen += color.every((value) => value > 150) ? "W" : "RGB"[color.indexOf(Math.max(...color))];
        }
        assert.equal(seen, corners);
      }
    });

  it("leaves no place, serial number or owner in a rendition", { skip: lacks("exiftool") }, async () => {
    const jpeg = withExif(
      await picture(900, 600, () => [90, 120, 60])
        .jpeg()
        .toBuffer(),
      SHOT,
    );
    await renderBytes(jpeg);
    const secret = /GPS|serial|owner|artist|creator|Jane Doe|072021003947|NIKON/i;
    assert.match(
      exiftool("-a", "-G1", "-s", join(folder, "IMG_0001.JPG")),
      secret,
      "the test's own picture has them",
    );
    for (const file of [share, thumb]) {
      assert.doesNotMatch(exiftool("-a", "-u", "-G1", "-s", "--System:all", "--File:all", file), secret);
      assert.equal((await readFile(file)).includes("Exif"), false);
    }
  });

  it("shows what is there of a truncated picture, and says so", async () => {
    const whole = await speckled.clone().jpeg().toBuffer();
    const { derived } = await renderBytes(whole.subarray(0, whole.length * 0.6));
    assert.equal(derived.renditions.length, 2);
    assert.match(derived.note ?? "", /damaged/);
  });

  const REFUSED = {
    noise: [Buffer.alloc(5000, "noise"), /no picture of a known format/],
    "an empty file": ["", /no picture of a known format/],
    "an SVG named .jpg": [
      `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90"/></svg>`,
      /no picture of a known format/,
    ],
    "a PDF named .jpg": [
      "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
      /no picture of a known format/,
    ],
    "a GIF named .jpg": [
      Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64"),
      /no picture of a known format/,
    ],
    "900 megapixels of one bit": [hugePng(), /more than 160 megapixels/],
  } as const;
  for (const [what, [bytes, reason]] of Object.entries(REFUSED))
    it(`refuses ${what} with a note`, async () => {
      const { derived, capture } = await renderBytes(bytes);
      assert.deepEqual([derived.renditions, derived.color], [[], null]);
      assert.match(derived.note ?? "", reason);
      assert.equal(capture.takenFrom, "file");
    });

  it("leaves files of other kinds without rendition and without note, but reads their EXIF", async () => {
    const file = join(folder, "DSC_1.JPG");
    await writeFile(
      file,
      withExif(
        await picture(9, 9, () => [1, 2, 3])
          .jpeg()
          .toBuffer(),
        SHOT,
      ),
    );
    const { derived, capture } = await render(requestFor(file, folder, { kind: "raw" }));
    assert.deepEqual(derived, { renditions: [], color: null, note: null });
    assert.equal(capture.camera, "Nikon Z 6_2");
  });

  it("reports a disk that fails as a failure, not as a bad picture", async () => {
    const missing = requestFor(join(folder, "gone.jpg"), folder);
    await assert.rejects(
      render(missing),
      (error) => error instanceof Failure && error.code === "disk-unwritable",
    );
  });

  it("makes pictures of real files of 30 makers", { skip: withoutCorpus }, async () => {
    const notes: string[] = [];
    for (const name of readdirSync(join(corpus, "jpeg"))) {
      const { derived } = await render(requestFor(join(corpus, "jpeg", name), folder));
      if (derived.renditions.length !== 2 || derived.note !== null) notes.push(`${name}: ${derived.note}`);
    }
    // Its header says that it is zero lines high.
    assert.deepEqual(notes, ["beach.jpg: No picture could be made of it: its data is damaged."]);
  });

  it("survives files made to crash decoders", { skip: withoutCorpus }, async () => {
    for (const name of readdirSync(join(corpus, "fuzzed"))) {
      const { derived } = await render(requestFor(join(corpus, "fuzzed", name), folder));
      assert.equal(derived.renditions.length === 2 || derived.note !== null, true, name);
    }
  });
});

/** The head of a PNG of 30000 × 30000 one-bit pixels: small on disk, a bomb in memory. */
function hugePng(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(30_000, 0);
  header.writeUInt32BE(30_000, 4);
  header.writeUInt8(1, 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", Buffer.alloc(64)),
  ]);
}
