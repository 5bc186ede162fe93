import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { keys } from "../../src/domain/layout.ts";
import { openDirectoryStore } from "../../src/remote/directory-store.ts";
import { exiftool } from "../imaging/exiftool.ts";
import { makeCard, picture } from "../support/card.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;

/** What a camera, a phone and a picture program write of people, devices and places: nobody's, and found nowhere else. */
const SECRETS = {
  "EXIF:Artist": "Jane Privette",
  "EXIF:Copyright": "Copyright Privette",
  "EXIF:OwnerName": "Owner Privette",
  "EXIF:SerialNumber": "SN072021003947",
  "EXIF:LensSerialNumber": "LN553201118",
  "EXIF:GPSLatitude": "46.852312",
  "EXIF:GPSLongitude": "9.531634",
  "EXIF:GPSLatitudeRef": "N",
  "EXIF:GPSLongitudeRef": "E",
  "EXIF:GPSAreaInformation": "Churwaldenhof",
  "EXIF:UserComment": "comment by Privette",
  "EXIF:ImageDescription": "described by Privette",
  "XMP-dc:Creator": "Creator Privette",
  "XMP-aux:SerialNumber": "AX881199227",
  "XMP-aux:OwnerName": "Auxowner Privette",
  "XMP-exif:GPSLatitude": "46.852312",
  "XMP-photoshop:City": "Churwaldenhof",
  "IPTC:By-line": "Byline Privette",
  "IPTC:City": "Churwaldenhof",
  "File:Comment": "commented by Privette",
} as const;
const WORDS = ["Privette", "Churwaldenhof", "072021003947", "553201118", "881199227", "46.85", "46 deg"];
/** Tags that tell of people, devices or places, whatever is in them; not of a color profile, nor what a page says of itself. */
const TELLING =
  /^\[(?!ICC|System|HTML\]\s+Description)[^\]]*\]\s+\S*(GPS|Serial|Owner|Artist|Creator(?!Tool)|By-?line|Copyright|City|Location|Comment|Description|Latitude|Longitude|Author)/im;

/** Writes those into a picture, or whatever of it can hold some, with a preview in it that has them, too. */
function spoil(file: string): void {
  const tags = Object.entries(SECRETS).map(([tag, value]) => `-${tag}=${value}`);
  exiftool("-q", "-m", "-overwrite_original", ...tags, file);
}

describe("what is published", { skip: lacks("exiftool", "unzip") }, () => {
  it("tells nothing of places, people or devices: no picture, page, chunk, preview or zip", async (t) => {
    const folder = await tempFolder(t);
    const [card, base] = [join(folder, "card"), join(folder, "library")];
    await makeCard(card, {
      "DCIM/100A/IMG_0001.JPG": await picture(1),
      "DCIM/100A/IMG_0002.JPG": await picture(2),
      "DCIM/100A/IMG_0003.PNG": await sharp(await picture(3))
        .png()
        .toBuffer(),
      "DCIM/100A/IMG_0004.TIF": await sharp(await picture(4))
        .tiff()
        .toBuffer(),
    });
    for (const name of await readdir(join(card, "DCIM/100A"))) spoil(join(card, "DCIM/100A", name));
    const spoiled = exiftool("-G1", "-s", "-n", join(card, "DCIM/100A/IMG_0001.JPG"));
    for (const tag of ["GPSLatitude", "SerialNumber", "OwnerName", "By-line", "Creator", "Comment"])
      assert.match(spoiled, new RegExp(`\\s${tag}\\s`), "the test itself");
    assert.match(spoiled, TELLING, "the test itself");
    await writeFile(join(card, "DCIM/100A/IMG_0001.XMP"), `<x>${Object.values(SECRETS).join(" ")}</x>`);
    const film = ["\0\0\0\x14ftypqt  \0\0\0\0qt  ", ...Object.values(SECRETS)].join(" ");
    await writeFile(join(card, "DCIM/100A/MVI_0005.MOV"), film);

    const ended = await ghostroll(["ingest", card, "--base-dir", base, "--no-serve"]);
    assert.equal(ended.code, 0, ended.out + ended.err);

    const store = await openDirectoryStore({
      root: join(base, "store"),
      secretFile: join(base, "link-secret"),
      baseUrl: "http://127.0.0.1/o/",
      linkSeconds: 3600,
    });
    t.after(store.close);
    const out = join(folder, "published");
    const kinds = new Map<string, number>();
    for await (const key of store.list("", never)) {
      const bytes = Buffer.from((await store.get(key, never)) ?? []);
      const kind = kindOf(key);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      // As it is, and as a browser unpacks it.
      await save(join(out, `${key.replaceAll("/", "+")}.${kind}`), isGzip(bytes) ? gunzipSync(bytes) : bytes);
    }
    for (const name of (await readdir(out)).filter((one) => one.endsWith(".zip")))
      execFileSync("unzip", ["-q", join(out, name), "-d", join(out, `${name} entries`)]);

    const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    );
    for (const { parentPath, name } of files) {
      const bytes = await readFile(join(parentPath, name), "latin1");
      for (const word of WORDS) assert.ok(!bytes.includes(word), `${name} says ${word}`);
    }
    const told = exiftool("-r", "-a", "-u", "-G1", "-s", "-ext", "*", out);
    assert.deepEqual(
      told.split("\n").filter((line) => TELLING.test(line)),
      [],
    );
    const pictures = told.match(/^\[File\]\s+FileType\s+: JPEG$/gm)?.length;
    assert.deepEqual(Object.fromEntries(kinds), {
      asset: 4,
      chunk: 1,
      index: 1,
      jpg: 8,
      page: 1,
      preview: 1,
      shell: 1,
      zip: 1,
    });
    // Two of each picture, the preview, and one of each in the zip.
    assert.equal(pictures, 13);
    t.diagnostic(`${files.length} files, ${pictures} pictures`);
  });
});

function kindOf(key: string): string {
  const slug = /^g\/([^/]+)/.exec(key)?.[1] ?? "";
  if (key.startsWith("assets/")) return "asset";
  if (key === keys.shell(slug)) return "shell";
  if (key === keys.index(slug)) return "index";
  const [, folder = ""] = /^g\/[^/]+\/([^/]+)/.exec(key) ?? [];
  return (
    { p: "jpg", m: "chunk", n: "page", z: "zip" }[folder] ?? (folder.startsWith("og-") ? "preview" : key)
  );
}

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function save(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
}
