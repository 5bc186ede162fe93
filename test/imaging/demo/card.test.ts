import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { before, describe, it } from "node:test";
import { identify, mediaByName, SNIFF_BYTES } from "../../../src/domain/media.ts";
import { drawDemoCard } from "../../../src/imaging/demo/card.ts";
import draw from "../../../src/imaging/demo/draw-task.ts";
import { planShots } from "../../../src/imaging/demo/plan.ts";
import { readCapture } from "../../../src/imaging/exif.ts";
import { lacks } from "../../support/needs.ts";
import { exiftool } from "../exiftool.ts";
import { temporaryFolder } from "../samples.ts";

const folder = await temporaryFolder();
const COUNT = 8;
const { signal } = new AbortController();

function filesOf(card: string): string[] {
  const names = readdirSync(card, { recursive: true, encoding: "utf8" });
  return names.filter((name) => statSync(join(card, name)).isFile()).toSorted();
}

function fingerprint(card: string): string[] {
  return filesOf(card).map((name) => {
    const file = join(card, name);
    return `${name} ${statSync(file).mtimeMs} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
  });
}

describe("the demo card", () => {
  const card = join(folder, "one");
  const progress: string[] = [];
  before(async () => {
    const onDrawn = (done: number, total: number) => progress.push(`${done}/${total}`);
    await drawDemoCard({ folder: card, draw: { run: draw }, signal, count: COUNT, onDrawn });
  });

  it("is the same on every run, to the byte and the second", async () => {
    const again = join(folder, "two");
    await drawDemoCard({ folder: again, draw: { run: draw }, signal, count: COUNT });
    assert.deepEqual(fingerprint(again), fingerprint(card));
    assert.deepEqual([progress.length, progress.at(-1)], [COUNT + 4, `${COUNT + 4}/${COUNT + 4}`]);
  });

  it("holds different pictures of two cameras, with one name in both folders", () => {
    const pictures = filesOf(card).filter((name) => name.endsWith(".JPG") && !name.includes("0099"));
    assert.equal(pictures.length, COUNT);
    assert.equal(
      new Set(pictures.map((name) => readFileSync(join(card, name)).toString("latin1"))).size,
      COUNT,
    );
    assert.equal(new Set(pictures.map((name) => basename(name))).size, COUNT - 1);
    const cameras = pictures.map((name) => readCapture(readFileSync(join(card, name)), 0).camera);
    assert.deepEqual([...new Set(cameras)], ["Canon EOS R6", "Nikon Z 6_2"]);
  });

  it("dates every file as its EXIF does, on two days with a night between", () => {
    for (const name of filesOf(card).filter((each) => /(DSC|IMG)_(0001|21).*(JPG|NEF)/.test(each))) {
      const { takenMs, takenFrom } = readCapture(readFileSync(join(card, name)), 0);
      assert.equal(takenFrom, "exif", name);
      assert.equal(Math.floor((takenMs ?? 0) / 1000), statSync(join(card, name)).mtimeMs / 1000, name);
    }
    const times = planShots(52).map(({ modifiedMs }) => modifiedMs);
    const gaps = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 3_600_000);
    assert.equal(gaps.filter((hours) => hours > 8).length, 1);
    assert.equal(
      gaps.every((hours) => hours > 0),
      true,
    );
    assert.equal(new Set(times.map((time) => new Date(time).toISOString().slice(0, 10))).size, 2);
  });

  it("has place, owner and serial number in some pictures, and turned ones", {
    skip: lacks("exiftool"),
  }, () => {
    const facts = exiftool(
      "-q",
      "-m",
      "-r",
      "-ext",
      "jpg",
      "-p",
      "$FileName $OwnerName $SerialNumber $GPSLatitude",
      card,
    );
    assert.match(facts, /IMG_0001\.JPG Jane Doe 072021003947 46/);
    const plan = planShots(52);
    assert.ok(new Set(plan.map(({ exif }) => exif.orientation)).size === 3);
    assert.ok(new Set(plan.map(({ width, height }) => (width / height).toFixed(2))).size >= 5);
  });

  it("has a RAW beside its JPEG, a sidecar, a film and a file that is broken", () => {
    const kinds = filesOf(card).map(
      (name) => identify(name, readFileSync(join(card, name)).subarray(0, SNIFF_BYTES)).kind,
    );
    const counts = Object.fromEntries(
      Object.entries(Object.groupBy(kinds, (kind) => kind)).map(([kind, all]) => [kind, all?.length]),
    );
    assert.deepEqual(counts, { picture: COUNT + 1, raw: 1, sidecar: 1, video: 1 });
    assert.equal(mediaByName("DSC_2103.NEF").kind, "raw");
  });
});
