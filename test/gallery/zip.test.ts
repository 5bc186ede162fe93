import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import type { GalleryItem, ZipPart } from "../../src/domain/gallery.ts";
import { zipBytes } from "../../src/gallery/zip.ts";
import { planZips, ZIP_BYTES } from "../../src/gallery/zip-parts.ts";
import { photo, SLUG, sha256 } from "../support/gallery-items.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const SESSION = { slug: SLUG, label: "EOS_DIGITAL", day: "2026-11-14" };

/** A picture of so many bytes that are different for each number. */
const bytesOf = (n: number, sizeBytes: number): Buffer =>
  Buffer.alloc(sizeBytes, sha256(`bytes ${n}`), "hex");

/** Photos whose pictures are those bytes. */
function photos(sizes: readonly number[], changes: (n: number) => Partial<GalleryItem> = () => ({})) {
  const bytes = new Map<string, Buffer>();
  const items = sizes.map((sizeBytes, n) => {
    const item = photo(n);
    const made = bytesOf(n, sizeBytes);
    bytes.set(item.hash, made);
    const renditions = item.renditions.map((rendition) => ({
      ...rendition,
      sizeBytes,
      sha256: sha256(made),
    }));
    return { ...item, renditions, ...changes(n) };
  });
  const read = async ({ hash }: { readonly hash: string }) => bytes.get(hash) ?? Buffer.alloc(0);
  return { items, read };
}

async function whole(part: ZipPart, read: Parameters<typeof zipBytes<ZipPart["entries"][number]>>[1]) {
  const pieces: Uint8Array[] = [];
  for await (const piece of zipBytes(part.entries, read)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Runs a program that must succeed; returns what it printed. */
async function run(program: string, args: readonly string[], input?: Uint8Array): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const texts: Record<"out" | "err", string> = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.err += text));
  child.stdin.on("error", () => undefined).end(input);
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0, `${program}: ${texts.out}${texts.err}`);
  return texts.out;
}

/** Names that break something somewhere: paths, drives, devices, line breaks, directions, half characters. */
const ODD_NAMES = [
  "../../etc/passwd.jpg", "C:\\Windows\\win.ini.jpg", "CON.JPG", "a<b>c:d\"e|f?g*h.jpg", ".hidden", "ends with a dot..jpg",
  "tab\tline\nbreak.jpg", "right\u202egpj.exe", "zero\u200bwidth.jpg", "cafe\u0301.jpg", "café.jpg", "日本語の写真.jpg", "👩‍👩‍👧.jpg",
  "half \ud800 pair.jpg", `${"long ".repeat(80)}.jpg`, `${"ü".repeat(300)}.jpg`, " .jpg", "   ", ".jpg", "-rf.jpg", "$(reboot).jpg", "%00%2f.jpg", "nul\0byte.jpg", "NTFS:stream.jpg", "IMG_0001.CR3",
]; // biome-ignore format: one after the other

const PYTHON = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as zip:
    assert zip.testzip() is None
    print(json.dumps([[i.filename, list(i.date_time), i.file_size, i.compress_type, i.flag_bits, i.external_attr >> 16] for i in zip.infolist()]))
`;

describe("a zip of pictures", () => {
  it("is what unzip, bsdtar and Python read, also as a stream", {
    skip: lacks("unzip", "bsdtar", "python3"),
  }, async (t) => {
    const { items, read } = photos([5, 70_000, 1]);
    const [part] = planZips(SESSION, items, ZIP_BYTES);
    assert.ok(part);
    const bytes = await whole(part, read);
    const file = join(await tempFolder(t), "photos.zip");
    await pipeline(Readable.from([bytes]), createWriteStream(file));

    assert.match(await run("unzip", ["-t", file]), /No errors detected/);
    const listed = JSON.parse(await run("python3", ["-c", PYTHON, file])) as unknown;
    assert.deepEqual(listed, [
      ["0001_DSC_0001.jpg", [2026, 11, 14, 10, 0, 0], 5, 0, 0x800, 0o100644],
      // A zip tells times in steps of two seconds.
      ["0002_DSC_0002.jpg", [2026, 11, 14, 10, 0, 6], 70_000, 0, 0x800, 0o100644],
      ["0003_DSC_0003.jpg", [2026, 11, 14, 10, 0, 14], 1, 0, 0x800, 0o100644],
    ]);
    const folder = await tempFolder(t);
    await run("bsdtar", ["-x", "-f", "-", "-C", folder], bytes);
    for (const [n, { name, hash }] of part.entries.entries()) {
      const unpacked = await readFile(join(folder, name));
      assert.deepEqual(unpacked, await read({ hash }), `picture ${n}`);
    }
  });

  it("gives every picture a name that is its own on every system", {
    skip: lacks("unzip", "python3"),
  }, async (t) => {
    const { items, read } = photos(
      ODD_NAMES.map(() => 10),
      (n) => ({ name: ODD_NAMES[n] ?? "" }),
    );
    const [part] = planZips(SESSION, items, ZIP_BYTES);
    assert.ok(part);
    const names = part.entries.map(({ name }) => name);
    t.diagnostic(names.join("  "));
    assert.equal(new Set(names.map((name) => name.normalize("NFD").toLowerCase())).size, ODD_NAMES.length);
    for (const name of names) {
      assert.match(name, /^\d{4}_.+\.jpg$/su);
      assert.doesNotMatch(name, /[<>:"/\\|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[. ]$/u);
      assert.ok(Buffer.byteLength(name) <= 143, `${name} is too long for an encrypted folder`);
      assert.equal(name, name.normalize("NFC"));
    }
    const folder = await tempFolder(t);
    const file = join(folder, "odd.zip");
    await pipeline(Readable.from([await whole(part, read)]), createWriteStream(file));
    const listed = JSON.parse(await run("python3", ["-c", PYTHON, file])) as [string][];
    assert.deepEqual(
      listed.map(([name]) => name),
      names,
    );
    const out = join(folder, "out");
    await run("unzip", ["-q", file, "-d", out]);
    assert.deepEqual((await readdir(out)).toSorted(), names.toSorted());
  });

  it("has the bytes of its list, wherever and whenever it is made; another list is another key", async () => {
    const { items, read } = photos([10, 20, 30]);
    const [part] = planZips(SESSION, items, ZIP_BYTES);
    const [again] = planZips(SESSION, items.slice(), ZIP_BYTES);
    assert.ok(part && again);
    const zone = process.env["TZ"];
    const first = await whole(part, read);
    process.env["TZ"] = "Pacific/Kiritimati";
    const second = await whole(again, read);
    process.env["TZ"] = zone ?? "";
    assert.equal(sha256(first), sha256(second));
    assert.equal(part.key, again.key);
    assert.match(part.key, /^g\/\w{22}\/z\/[0-9a-f]{32}\/EOS-DIGITAL-2026-11-14\.zip$/);
    const others = [
      items.slice(1),
      items.map((item, n) => (n === 1 ? { ...item, name: "renamed.jpg" } : item)),
      items.map((item, n) =>
        n === 1 ? { ...item, capture: { ...item.capture, takenMs: Date.UTC(2026, 0, 1) } } : item,
      ),
      photos([10, 20, 31]).items,
    ];
    const used = others.map((list) => planZips(SESSION, list, ZIP_BYTES)[0]?.key);
    assert.equal(new Set([part.key, ...used]).size, 5);
  });

  it("leaves out what has no picture, and is not made for one picture alone", () => {
    const { items } = photos([10, 10, 10], (n) => (n === 1 ? { renditions: [], kind: "raw" } : {}));
    const [part] = planZips(SESSION, items, ZIP_BYTES);
    assert.deepEqual(
      part?.entries.map(({ name }) => name),
      ["0001_DSC_0001.jpg", "0003_DSC_0003.jpg"],
    );
    assert.deepEqual(planZips(SESSION, items.slice(0, 2), ZIP_BYTES), []);
    assert.deepEqual(planZips(SESSION, [], ZIP_BYTES), []);
  });

  it("is split where the next picture would exceed the limit, in order, and a larger picture is alone", () => {
    const { items } = photos([300, 300, 5000, 300, 300, 300]);
    const parts = planZips({ ...SESSION, label: "Größe/…", day: "undated" }, items, 1000);
    assert.deepEqual(
      parts.map(({ entries }) => entries.length),
      [2, 1, 2, 1],
    );
    assert.deepEqual(
      parts.map(({ key }) => key.split("/").at(-1)),
      [1, 2, 3, 4].map((n) => `Gro-e-${n}-of-4.zip`),
    );
    assert.deepEqual(
      parts.flatMap(({ entries }) => entries.map(({ hash }) => hash)),
      items.map(({ hash }) => hash),
    );
    for (const { sizeBytes, entries } of parts) assert.ok(sizeBytes <= 1000 || entries.length === 1);
  });

  it("of more than 1 GB is two zips of the sizes that were announced, and memory stays flat", {
    skip: lacks("bsdtar"),
  }, async (t) => {
    const picture = bytesOf(0, 5_000_000);
    const { items } = photos(Array.from({ length: 210 }, () => 1));
    const large = items.map((item) => ({
      ...item,
      renditions: item.renditions.map((rendition) => ({ ...rendition, sizeBytes: picture.length })),
    }));
    const parts = planZips(SESSION, large, ZIP_BYTES);
    assert.equal(parts.length, 2);
    const before = process.memoryUsage.rss();
    let peak = before;
    for (const part of parts) {
      assert.ok(part.sizeBytes <= 1_000_000_000);
      let sizeBytes = 0;
      const bytes = async function* () {
        for await (const piece of zipBytes(part.entries, async () => Buffer.from(picture))) {
          sizeBytes += piece.length;
          peak = Math.max(peak, process.memoryUsage.rss());
          yield piece;
        }
      };
      // Unpacks all of it as it comes in, checks it, and keeps nothing.
      const reader = spawn("bsdtar", ["-x", "-O", "-f", "-"], { stdio: ["pipe", "ignore", "inherit"] });
      const closed = once(reader, "close");
      await pipeline(Readable.from(bytes()), reader.stdin);
      assert.deepEqual(await closed, [0, null]);
      assert.equal(sizeBytes, part.sizeBytes);
    }
    const grownMiB = Math.round((peak - before) / 2 ** 20);
    t.diagnostic(`1.05 GB zipped: ${grownMiB} MiB more memory at the peak`);
    assert.ok(grownMiB < 200);
  });
});
