import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cameraName, exposureText, shown } from "../../src/imaging/camera-words.ts";
import { buildRaw, withExif } from "../../src/imaging/demo/exif.ts";
import { EXIF_BYTES, readCapture } from "../../src/imaging/exif.ts";
import { lacks } from "../support/needs.ts";
import { exiftool } from "./exiftool.ts";
import { corpus, SHOT } from "./samples.ts";

const MODIFIED_MS = Date.UTC(2026, 0, 1);
const EMPTY_JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
const capture = (shot: typeof SHOT) => readCapture(withExif(EMPTY_JPEG, shot), MODIFIED_MS);

describe("capture facts", () => {
  it("are read from a JPEG, and say nothing of place, owner and serial number", () => {
    const facts = capture(SHOT);
    assert.deepEqual(facts, {
      takenMs: Date.UTC(2026, 4, 2, 10, 15, 30, 250),
      offsetMinutes: 120,
      takenFrom: "exif",
      camera: "Nikon Z 6_2",
      lens: "NIKKOR Z 50mm f/1.8 S",
      exposure: "1/250 s · f/2.8 · 50 mm · ISO 400",
    });
  });

  it("are read from a TIFF-based RAW", () => {
    assert.equal(readCapture(buildRaw(SHOT, EMPTY_JPEG), 0).takenMs, Date.UTC(2026, 4, 2, 10, 15, 30, 250));
  });

  it("fall back to the file's time where there is nothing or nonsense", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("hello"), Buffer.alloc(9000, 0xff), EMPTY_JPEG])
      assert.deepEqual(readCapture(bytes, MODIFIED_MS), {
        takenMs: MODIFIED_MS,
        offsetMinutes: null,
        takenFrom: "file",
        camera: null,
        lens: null,
        exposure: null,
      });
  });

  for (const date of [
    "0000:00:00 00:00:00",
    "    :  :     :  :  ",
    "1980:01:01 00:00:00",
    "2100:01:01 00:00:00",
    "2026:02:31 10:00:00",
    "2026:05:02 25:00:00",
  ])
    it(`do not trust the date "${date}"`, () => {
      const facts = capture({ ...SHOT, date });
      assert.deepEqual([facts.takenMs, facts.takenFrom, facts.camera], [MODIFIED_MS, "file", "Nikon Z 6_2"]);
    });

  it("carry no control, invisible or direction-changing characters, and are short", () => {
    assert.equal(shown("RF\u202e24-105mm\u0000\u200b \n\t F4"), "RF24-105mm F4");
    assert.equal(shown("\u202e\u0007 --- "), null);
    assert.equal(shown("x".repeat(5000))?.length, 80);
    assert.equal(shown(`${"x".repeat(79)}😀`)?.isWellFormed(), true);
  });

  const NAMES = [
    ["NIKON CORPORATION", "NIKON D60", "Nikon D60"],
    ["Canon", "Canon EOS R6", "Canon EOS R6"],
    ["Apple", "iPhone 15 Pro", "Apple iPhone 15 Pro"],
    ["OLYMPUS IMAGING CORP.", "E-M5", "Olympus E-M5"],
    ["FUJIFILM", "X-T5", "Fujifilm X-T5"],
    ["LEICA CAMERA AG", "LEICA T (Typ 701)", "Leica T (Typ 701)"],
    ["OM Digital Solutions", "OM-1", "OM-1"],
    ["SONY", "ILCE-7M4", "Sony ILCE-7M4"],
    ["", "", null],
  ] as const;
  for (const [make, model, name] of NAMES)
    it(`call "${make}" "${model}" ${name ?? "nothing"}`, () => assert.equal(cameraName(make, model), name));

  it("write exposures as photographers do, leaving out what cannot be", () => {
    assert.equal(
      exposureText({ seconds: 0.6, aperture: 8, focalMm: 4.28, iso: null }),
      "0.6 s · f/8 · 4.3 mm",
    );
    assert.equal(
      exposureText({ seconds: 30, aperture: 1.4, focalMm: 800, iso: 12800 }),
      "30 s · f/1.4 · 800 mm · ISO 12800",
    );
    assert.equal(
      exposureText({ seconds: 0, aperture: Number.NaN, focalMm: Number.POSITIVE_INFINITY, iso: 0 }),
      null,
    );
  });

  const skip = existsSync(corpus)
    ? lacks("exiftool")
    : "needs the corpus of camera files beside the checkout";
  it("agree with exiftool on real files of 30 makers", { skip }, () => {
    const folder = join(corpus, "jpeg");
    const theirs = exiftool(
      "-q",
      "-m",
      "-d",
      "%Y-%m-%dT%H:%M:%S",
      "-p",
      "$FileName|$EXIF:DateTimeOriginal",
      folder,
    );
    const dates = new Map(
      theirs
        .trim()
        .split("\n")
        .map((line) => line.split("|") as [string, string]),
    );
    let compared = 0;
    for (const name of readdirSync(folder)) {
      const date = dates.get(name) ?? "";
      if (!/^(199|20)/.test(date)) continue;
      const facts = readCapture(readFileSync(join(folder, name)).subarray(0, EXIF_BYTES), MODIFIED_MS);
      assert.equal(new Date(facts.takenMs ?? 0).toISOString().slice(0, 19), date, name);
      assert.equal(facts.takenFrom, "exif");
      compared++;
    }
    assert.ok(compared >= 34, `only ${compared} dates compared`);
  });
});
