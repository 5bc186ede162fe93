import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp, { type Sharp } from "sharp";
import { withAdobeRgbProfile } from "../../src/imaging/adobe-rgb.ts";
import render from "../../src/imaging/task.ts";
import { lacks } from "../support/needs.ts";
import { exiftool } from "./exiftool.ts";
import { type Color, colorOf, distance, picture, requestFor, temporaryFolder } from "./samples.ts";

const folder = await temporaryFolder();

/** JPEG, rounding and profile tables each cost a step or two; a wrong profile costs twenty and more. */
const TOLERANCE = 5;
const LEAF: Color = [120, 160, 60];

async function looksLike(bytes: Buffer, expected: Color, tolerance = TOLERANCE): Promise<void> {
  const file = join(folder, "picture");
  await writeFile(file, bytes);
  const { derived } = await render(requestFor(file, folder));
  assert.equal(derived.note, null);
  for (const preset of ["share", "thumb"]) {
    const seen = await colorOf(join(folder, `out/${preset}.jpg`));
    assert.ok(distance(seen, expected) <= tolerance, `${preset} is ${seen.join()}, not ${expected.join()}`);
  }
  const hex = [0, 2, 4].map((at) => Number.parseInt(derived.color?.slice(at, at + 2) ?? "", 16));
  assert.ok(distance(hex as unknown as Color, expected) <= tolerance, `color is ${derived.color}`);
}

const plain = (color: Color = LEAF) => picture(700, 500, () => color);
const jpeg = (image: Sharp) => image.jpeg({ quality: 98, chromaSubsampling: "4:4:4" }).toBuffer();

describe("color", () => {
  it("is that of the picture for Adobe RGB with a profile", async () => {
    assert.ok(distance(adobeToSrgb(LEAF), LEAF) > 20, "the test's color must tell the spaces apart");
    await looksLike(withAdobeRgbProfile(await jpeg(plain())), adobeToSrgb(LEAF));
  });

  it("is that of the picture for Adobe RGB as Canon and Nikon mark it, by name only", {
    skip: lacks("exiftool"),
  }, async () => {
    const file = join(folder, "named.jpg");
    await writeFile(file, await jpeg(plain()));
    exiftool("-q", "-overwrite_original", "-ColorSpace=Uncalibrated", "-InteropIndex=R03", file);
    const { derived } = await render(requestFor(file, folder));
    assert.equal(derived.note, null);
    const seen = await colorOf(join(folder, "out/share.jpg"));
    assert.ok(distance(seen, adobeToSrgb(LEAF)) <= TOLERANCE, `is ${seen.join()}`);
  });

  it("is that of the picture for Display P3", async () => {
    const red: Color = [200, 60, 40];
    const stored = await jpeg(plain(red).withIccProfile("p3"));
    const { data } = await sharp(stored, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
    assert.ok(distance([data[0] ?? 0, data[1] ?? 0, data[2] ?? 0], red) > 10, "stored as other numbers");
    await looksLike(stored, red);
  });

  it("is right for grayscale", async () =>
    looksLike(await jpeg(plain([90, 90, 90]).toColorspace("b-w")), [90, 90, 90]));
  it("is right for CMYK", async () => {
    const stored = await jpeg(plain([150, 140, 120]).toColorspace("cmyk"));
    assert.equal((await sharp(stored).metadata()).space, "cmyk");
    // Ink and back costs more than other conversions: paper is not as bright. An inverted one would be 100 off.
    await looksLike(stored, [150, 140, 120], 14);
  });
  it("is right for 16 bits a channel", async () => {
    const stored = await plain().toColorspace("rgb16").png().toBuffer();
    assert.equal(stored[24], 16, "the PNG's bit depth");
    await looksLike(stored, LEAF);
  });
  it("is right for a palette", async () => looksLike(await plain().png({ palette: true }).toBuffer(), LEAF));
  it("is right for TIFF", async () => looksLike(await plain().tiff().toBuffer(), LEAF));
  it("is right for WebP", async () => looksLike(await plain().webp({ lossless: true }).toBuffer(), LEAF));
  it("is right for AVIF", async () =>
    looksLike(await plain().avif({ quality: 90, effort: 0 }).toBuffer(), LEAF));

  it("is white where a picture is transparent", async () => {
    const pixels = Buffer.alloc(64 * 64 * 4);
    await looksLike(
      await sharp(pixels, { raw: { width: 64, height: 64, channels: 4 } })
        .png()
        .toBuffer(),
      [255, 255, 255],
    );
  });

  it("is that of the first page of several", async () => {
    const pages = await picture(80, 160, (_, y) => (y < 80 ? LEAF : [10, 10, 200]))
      .raw()
      .toBuffer();
    const raw = { width: 80, height: 160, channels: 3, pageHeight: 80 } as const;
    const stored = await sharp(pages, { raw }).webp({ lossless: true }).toBuffer();
    await looksLike(stored, LEAF);
  });
});

/** The published formulas (Adobe RGB (1998) encoding, 4.3; IEC 61966-2-1), on their own here to check the profile's numbers. */
function adobeToSrgb(color: Color): Color {
  const [r, g, b] = color.map((value) => (value / 255) ** 2.19921875) as [number, number, number];
  const x = 0.57667 * r + 0.18556 * g + 0.18823 * b;
  const y = 0.29734 * r + 0.62736 * g + 0.07529 * b;
  const z = 0.02703 * r + 0.07069 * g + 0.99134 * b;
  const encode = (linear: number) =>
    Math.round(
      255 * (linear <= 0.0031308 ? 12.92 * Math.max(0, linear) : 1.055 * linear ** (1 / 2.4) - 0.055),
    );
  return [
    encode(3.2406 * x - 1.5372 * y - 0.4986 * z),
    encode(-0.9689 * x + 1.8758 * y + 0.0415 * z),
    encode(0.0557 * x - 0.204 * y + 1.057 * z),
  ];
}
