import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import preview from "../../src/imaging/preview-task.ts";
import { picture } from "../support/card.ts";
import { tempFolder } from "../support/temp.ts";

describe("what a messenger shows beside a link", () => {
  it("is a JPEG of 1200×630 below 300 KB without metadata, whatever the picture's shape and content", async (t) => {
    const folder = await tempFolder(t);
    const [width, height] = [2048, 1365];
    const noise = sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } });
    const sources = {
      wide: await picture(1, { width: 2048, height: 1365 }),
      upright: await picture(2, { width: 1365, height: 2048 }),
      square: await picture(3, { width: 900, height: 900 }),
      small: await picture(4, { width: 40, height: 20 }),
      panorama: await picture(5, { width: 2048, height: 300 }),
      noise: await noise.jpeg({ quality: 90 }).toBuffer(),
    };
    for (const [name, bytes] of Object.entries(sources)) {
      const file = join(folder, `${name}.jpg`);
      await sharp(bytes).keepMetadata().toFile(file);
      const made = await preview({ file });
      assert.ok(made, name);
      assert.ok(made.length < 300_000, `${name}: ${made.length}`);
      const { format, width: w, height: h, exif, icc } = await sharp(made).metadata();
      assert.deepEqual([format, w, h, exif, icc], ["jpeg", 1200, 630, undefined, undefined], name);
      assert.deepEqual(await preview({ file }), made, `${name}: always the same bytes`);
    }
  });

  it("shows an upright picture whole", async (t) => {
    const file = join(await tempFolder(t), "upright.png");
    const stripe = { create: { width: 1000, height: 100, channels: 3, background: "#ff0000" } } as const;
    const red = await sharp(stripe).png().toBuffer();
    await sharp({ create: { width: 1000, height: 2000, channels: 3, background: "#0000ff" } })
      .composite([
        { input: red, gravity: "north" },
        { input: red, gravity: "south" },
      ])
      .toFile(file);
    const made = await preview({ file });
    const { data, info } = await sharp(made ?? undefined)
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (const y of [5, 624]) {
      const at = (y * info.width + 600) * info.channels;
      assert.ok((data[at] ?? 0) > 200 && (data[at + 2] ?? 255) < 80, `red at ${y}`);
    }
  });

  it("is nothing where the rendition is missing or broken", async (t) => {
    const file = join(await tempFolder(t), "none.jpg");
    assert.equal(await preview({ file }), null);
  });
});
