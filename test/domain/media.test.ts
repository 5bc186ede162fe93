import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identify, mediaByName } from "../../src/domain/media.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe("what a file is", () => {
  // biome-ignore format: a table reads in columns
  const cases: readonly (readonly [name: string, head: string, kind: string, contentType: string])[] = [
    ["IMG_1.JPG",     "\xff\xd8\xff\xe1",             "picture", "image/jpeg"],
    ["crash.fuzzed",  "\xff\xd8\xff\xe0",             "picture", "image/jpeg"],
    ["IMG_1.JPG",     "garbage",                      "picture", "image/jpeg"],
    ["IMG_1.JPG",     "",                             "picture", "image/jpeg"],
    ["photo.jpg",     "\x89PNG\r\n\x1a\n",            "picture", "image/png"],
    ["DSC_1.NEF",     "MM\0*\0\0\0\x08",              "raw",     "application/octet-stream"],
    ["scan.tif",      "II*\0\x08\0\0\0",              "picture", "image/tiff"],
    ["RAF1.RAF",      "FUJIFILMCCD-RAW 0201",         "raw",     "application/octet-stream"],
    ["IMG.CR3",       "\0\0\0\x18ftypcrx \0\0",       "raw",     "application/octet-stream"],
    ["IMG_1.HEIC",    "\0\0\0\x24ftypheic",           "heic",    "image/heic"],
    ["a.avif",        "\0\0\0\x1cftypavif",           "picture", "image/avif"],
    ["MVI_1.MOV",     "\0\0\0\x14ftypqt  ",           "video",   "video/quicktime"],
    ["C0001.MP4",     "\0\0\0\x1cftypXAVC",           "video",   "video/mp4"],
    ["00000.MTS",     "\0\0\0\0G@",                   "video",   "video/mp2t"],
    ["IMG_1.XMP",     "<x:xmpmeta",                   "sidecar", "application/octet-stream"],
    ["evil.jpg",      "<svg onload=alert(1)>",        "picture", "image/jpeg"],
    ["page.html",     "<!doctype html>",              "other",   "application/octet-stream"],
    ["noextension",   "",                             "other",   "application/octet-stream"],
  ];
  for (const [name, head, kind, contentType] of cases)
    it(`${name} beginning ${JSON.stringify(head.slice(0, 12))} is ${kind}, served as ${contentType}`, () =>
      assert.deepEqual(identify(name, bytes(head)), { kind, contentType }));

  it("is never served as something a browser would run", () => {
    for (const extension of ["html", "svg", "js", "xhtml", "xml", "pdf", "swf", "xmp"])
      assert.doesNotMatch(mediaByName(`x.${extension}`).contentType, /html|svg|script|xml|pdf/);
  });
});
