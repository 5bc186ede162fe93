import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, sha256 } from "../support/invariants.ts";
import { randomFrom } from "../support/random.ts";
import { tempFolder } from "../support/temp.ts";

const corpus = join(import.meta.dirname, "../../../shared/corpus/jpeg");
/** Of the real ones, so many of the smallest. */
const REAL = 12;

/** What a failing card, a broken download or a bad cable makes of a file. */
const DAMAGES: Readonly<Record<string, (bytes: Buffer, random: () => number) => Buffer>> = {
  headless: (bytes, random) => bytes.subarray(0, 4 + Math.floor(random() * 28)),
  cut: (bytes, random) => bytes.subarray(0, Math.floor(bytes.length * (0.2 + 0.7 * random()))),
  "flipped in its head": (bytes, random) => flip(bytes, Math.min(bytes.length, 600), 12, random),
  "flipped anywhere": (bytes, random) => flip(bytes, bytes.length, 30, random),
  "zeroed in a part": (bytes, random) => {
    const start = Math.floor(bytes.length * (0.1 + 0.6 * random()));
    return Buffer.from(bytes).fill(0, start, start + Math.ceil(bytes.length / 4));
  },
  "zeroed as a whole": (bytes) => Buffer.alloc(bytes.length),
};

function flip(bytes: Buffer, within: number, times: number, random: () => number): Buffer {
  const flipped = Buffer.from(bytes);
  for (let time = 0; time < times; time++) {
    const at = Math.floor(random() * within);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  }
  return flipped;
}

/** A picture of each format that is shown. */
async function drawn(random: () => number): Promise<Map<string, Buffer>> {
  const data = Buffer.alloc(240 * 160 * 3).map((_, at) => 128 + 90 * Math.sin(at / 977) + 30 * random());
  const of = () => sharp(data, { raw: { width: 240, height: 160, channels: 3 } });
  return new Map([
    ["jpg", await of().jpeg().toBuffer()],
    ["progressive.jpg", await of().jpeg({ progressive: true }).toBuffer()],
    ["png", await of().png().toBuffer()],
    ["tif", await of().tiff({ compression: "lzw" }).toBuffer()],
    ["webp", await of().webp().toBuffer()],
    ["avif", await of().avif({ effort: 0 }).toBuffer()],
  ]);
}

async function real(): Promise<Map<string, Buffer>> {
  if (!existsSync(corpus)) return new Map();
  const names = (await readdir(corpus)).filter((name) => name.endsWith(".jpg"));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(corpus, name))] as const),
  );
  return new Map(files.toSorted((a, b) => a[1].length - b[1].length).slice(0, REAL));
}

/** Whether there is a picture in it, by a decoder of the test's own: all of it, what is left of it, or none. */
async function look(bytes: Buffer): Promise<"whole" | "damaged" | "none"> {
  for (const failOn of ["error", "none"] as const)
    try {
      await sharp(bytes, { failOn, limitInputPixels: 160e6 }).raw().toBuffer();
      return failOn === "error" ? "whole" : "damaged";
    } catch {
      // Less is asked for then.
    }
  return "none";
}

describe("broken pictures", () => {
  it("are all kept byte for byte and named, guests see what there is to see, and nothing crashes", async (t) => {
    const random = randomFrom(20_260_926);
    const files: Record<string, Buffer> = {};
    for (const [name, bytes] of [...(await drawn(random)), ...(await real())])
      for (const [damage, spoil] of Object.entries(DAMAGES))
        files[`DCIM/100${damage.slice(0, 4).toUpperCase()}/${damage}.${name}`] = spoil(bytes, random);
    files["DCIM/100GOOD/good.jpg"] = (await drawn(random)).get("jpg") ?? Buffer.alloc(0);
    const folder = await tempFolder(t);
    const [card, base] = [await makeCard(join(folder, "card"), files), join(folder, "library")];
    const { code, out, err } = await ghostroll(["ingest", card, "--base-dir", base, "--no-serve", "--json"]);
    assert.equal(code, 3, err);
    assert.doesNotMatch(err, /\n\s+at |bug/, err);
    const summary = JSON.parse(out) as Summary;

    const named = new Map(summary.troubles.map(({ name, reason }) => [name.split("/").at(-1), reason]));
    // Zeros of one length are one content, kept and named once.
    const contents = Map.groupBy(Object.entries(files), ([, bytes]) => sha256(bytes));
    const seen = { whole: 0, damaged: 0, none: 0 };
    for (const same of contents.values()) {
      const is = await look(same[0]?.[1] ?? Buffer.alloc(0));
      seen[is]++;
      const names = same.map(([path]) => path.split("/").at(-1) ?? "");
      const name = names.find((one) => named.has(one)) ?? names[0] ?? "";
      const reason = named.get(name) ?? "";
      const expected = { whole: /^$/, damaged: /shows what is there/, none: /^No picture could be made/ }[is];
      assert.match(reason, expected, `${name} is ${is}`);
    }
    assert.equal(summary.kept, contents.size);
    assert.equal(summary.kept + summary.duplicates, summary.foundFiles);
    assert.equal(summary.troubles.length, seen.damaged + seen.none);
    assert.ok(seen.whole > 0 && seen.damaged > 5 && seen.none > 20, JSON.stringify(seen));
    await assertComplete(base, new Set(contents.keys()), seen.whole + seen.damaged);
    t.diagnostic(`${summary.foundFiles} files: ${JSON.stringify(seen)}`);
  });
});
