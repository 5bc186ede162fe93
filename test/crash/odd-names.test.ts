import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { link, mkdir, open, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import type { Summary } from "../../src/app/summary.ts";
import { makeCard, picture } from "../support/card.ts";
import { exfatCard } from "../support/exfat-card.ts";
import { IS_LONG, report } from "../support/figures.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow, sha256 } from "../support/invariants.ts";
import { peaksOf } from "../support/memory.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import { openFaults } from "./shim/faults.ts";

/** Names that break programs, as the bytes a filesystem may hold. */
const NAMES: readonly (string | Buffer)[] = [
  `${"a".repeat(251)}.JPG`,
  `${"é".repeat(125)}x.JPG`,
  Buffer.from("IMG_\xe9\xff.JPG", "latin1"),
  Buffer.from("IMG_\xe8\xff.JPG", "latin1"),
  "line\nbreak.JPG",
  "tab\tcr\r.JPG",
  "\x1b[2Jclear.JPG",
  "back\\slash.JPG",
  "..\\..\\up.JPG",
  "...JPG",
  "... .JPG",
  "a..b.JPG",
  " space.JPG",
  "trailing.JPG ",
  "trailing.JPG.",
  "CON",
  "aux.JPG",
  "-rf.JPG",
  "--help",
  "$(touch x)`id`.JPG",
  `'"&<b>%2e%2e%2f?*|:.JPG`,
  "abc\u202egpj.exe.JPG",
  "zero\u200bwidth\ufeff.JPG",
  "caf\u00e9.JPG",
  "cafe\u0301.JPG",
  "TWIN.JPG",
  "twin.jpg",
  "\u{1f4f7}\u{1f1fa}\u{1f1f8}.JPG",
  ".hidden.JPG",
  "nothing",
  "SHA256SUMS",
  "session.json",
  "incoming",
];

/** What exFAT takes and ext4 does not: 255 UTF-16 units are up to 765 bytes. */
const LONG_NAMES = [
  `${"é".repeat(251)}.JPG`,
  `${"é".repeat(250)}f.JPG`,
  `${"写".repeat(251)}.JPG`,
  `${"写".repeat(250)}真.JPG`,
  "caf\u00e9.JPG",
  "cafe\u0301.JPG",
  "abc\u202egpj.JPG",
  "-rf.JPG",
];

describe("names and files that are out of the ordinary", () => {
  it(`are kept under names that stay in the library, each content once: ${NAMES.length} names`, async (t) => {
    const folder = await tempFolder(t);
    const [source, base] = [join(folder, "card"), join(folder, "library")];
    await mkdir(join(source, "DCIM"), { recursive: true });
    for (const [index, name] of NAMES.entries()) {
      const path = Buffer.concat([Buffer.from(`${source}/DCIM/`), Buffer.from(name)]);
      await writeFile(path, name === "nothing" ? "" : await picture(index));
    }
    await link(join(source, "DCIM/TWIN.JPG"), join(source, "DCIM/HARD-LINK.JPG"));
    for (const name of ["SHA256SUMS", "session.json"])
      await writeFile(join(source, name), `on the card's root: ${name}`);
    // The longest path the card can have is longer still below the library.
    const deep = deepPath(source);
    await makeCard(source, { [deep]: "deep" });

    const { code, out, err } = await ghostroll(args(source, base, "--json"));
    const files = NAMES.length + 4;
    const { foundFiles, kept, duplicates, failed, troubles } = JSON.parse(out || "{}") as Summary;
    assert.deepEqual(
      { code, foundFiles, kept, duplicates, failed },
      { code: 0, foundFiles: files, kept: files - 1, duplicates: 1, failed: 0 },
      `${err} ${JSON.stringify(troubles)}`,
    );
    const truth = execFileSync("find", [source, "-type", "f", "-exec", "sha256sum", "-z", "{}", "+"]);
    const onCard = new Set(
      truth
        .toString("latin1")
        .split("\0")
        .filter(Boolean)
        .map((line) => line.slice(0, 64)),
    );
    const { kept: rows } = await assertSound(base, onCard);
    assert.equal(rows, onCard.size);
    const manifest = execFileSync(
      "find",
      [join(base, "originals"), ..."-mindepth 4 -maxdepth 4 -name SHA256SUMS".split(" ")],
      { encoding: "utf8" },
    ).trim();
    execFileSync("sha256sum", ["--quiet", "--strict", "-c", "SHA256SUMS"], { cwd: dirname(manifest) });

    const again = await ghostroll(args(source, base, "--json", "--rescan", "full"));
    assert.equal(again.code, 0, again.err);
    assert.equal((JSON.parse(again.out) as Summary).kept, 0, "nothing is kept a second time");
    assert.equal((await assertSound(base, onCard)).kept, onCard.size);
  });

  it("are kept from exFAT, whose names can be longer than the library's disk can hold", {
    skip: lacks("mkfs.exfat", "mount.exfat-fuse") || lacksRoot(),
  }, async (t) => {
    const card = await exfatCard(t, 32 * 1024 * 1024);
    const folder = await tempFolder(t);
    await card.insert("rw");
    const pictures = await Promise.all(LONG_NAMES.map(async (_, index) => picture(index)));
    await mkdir(join(card.root, "DCIM"));
    for (const [index, name] of LONG_NAMES.entries())
      await writeFile(join(card.root, "DCIM", name), pictures[index] ?? "");
    card.eject();
    await card.insert("ro");
    const base = join(folder, "library");
    const { code, err } = await ghostroll(args(card.root, base));
    assert.equal(code, 0, err);
    await assertComplete(base, new Set(pictures.map(sha256)), LONG_NAMES.length);
    const names = new Set(pathsIn(base).map((path) => path.toString("utf8")));
    assert.deepEqual(names, new Set(LONG_NAMES.map((name) => `DCIM/${name}`)), "the true names are known");
  });

  it("are kept as they were and as they became when they change while they are read", {
    skip: lacks("cc"),
  }, async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const changes = ["grow", "shrink", "replace", "remove"];
    const before = Object.fromEntries(
      changes.map((change) => [`DCIM/${change}.CR3`, randomBytes(3_000_000)]),
    );
    const source = await makeCard(join(folder, "card"), {
      ...before,
      "DCIM/still.CR3": randomBytes(3_000_000),
    });
    const still = (await hashesBelow(source)).get(join(source, "DCIM/still.CR3"));
    const faults = await openFaults(folder);
    await faults.set(...changes.map((change) => `read /card/DCIM/${change}.CR3 ${change}`));

    const { code, out, err } = await ghostroll(args(source, base, "--json"), { env: faults.env });
    assert.deepEqual((await faults.happened()).length, changes.length, "each changed once");
    assert.equal(code, 0, `${out}${err}`);
    const { foundFiles, kept: all, failed, isRemovable } = JSON.parse(out) as Summary;
    // The one that was replaced was met twice.
    assert.deepEqual(
      { foundFiles, all, failed, isRemovable },
      { foundFiles: 6, all: 6, failed: 0, isRemovable: true },
    );
    const now = await hashesBelow(source);
    assert.equal(now.get(join(source, "DCIM/still.CR3")), still);
    const whole = [before["DCIM/replace.CR3"], before["DCIM/remove.CR3"]].map((bytes) =>
      sha256(bytes ?? Buffer.alloc(0)),
    );
    // An open file is read to its end when its name goes away; of one that changes under the reader nothing is kept.
    const expected = new Set([...now.values(), ...whole]);
    const { kept } = await assertSound(base, expected);
    assert.equal(kept, expected.size);
  });
});

const FILES = IS_LONG ? 10_000 : 1_000;
const FEW = 100;
/** Beyond 4 GiB in the long form, where 32-bit sizes end; short enough for a CI's disk in the other. */
const FILM_MIB = IS_LONG ? 6144 : 512;
/** What one run differs from the next: V8 collects when it likes. */
const ROOM_MIB = 24;
/** Name, size, time, hashes and rows of a file while a card is listed or its gallery made. Never contents. */
const FILE_MIB = 5 / 1024;
/** And of a picture, its place in the gallery, which is made as a whole each time it is published: 10 KB were seen. */
const PICTURE_MIB = 12 / 1024;

describe("much", () => {
  it(`does not make the processes larger: ${FILES} sidecars, as many pictures, and a film of ${FILM_MIB} MiB with holes`, {
    timeout: 60_000 + FILES * 60 + FILM_MIB * 100,
  }, async (t) => {
    const folder = await tempFolder(t);
    const card = (name: string) => [join(folder, name), join(folder, `library-${name}`)] as const;
    const take = async (name: string, make: (path: string) => Promise<string>) => {
      const [path, base] = card(name);
      const peaks = await measured(await make(path), base);
      t.diagnostic(
        `${name}: ${peaks.seconds.toFixed(1)} s; main, ${peaks.mib[0]} MiB; its workers ${peaks.mib.slice(1).join(", ")}`,
      );
      return peaks.mib;
    };
    const few = await take(`${FEW} pictures`, (path) => pictures(path, FEW));
    const film = await take("a film", sparseFilm);
    for (const [what, mib, roomMib] of [
      ["sidecars", await take(`${FILES} sidecars`, (path) => sidecars(path, FILES)), FILES * FILE_MIB],
      ["pictures", await take(`${FILES} pictures`, (path) => pictures(path, FILES)), FILES * PICTURE_MIB],
      ["a film", film, 0],
    ] as const)
      for (const [index, peak] of mib.entries()) {
        // Main, the card's process, then one process for pictures after the other.
        const before = few[Math.min(index, 2)] ?? 0;
        const most = before + ROOM_MIB + roomMib;
        assert.ok(peak <= most, `process ${index} took ${peak} MiB for ${what}, ${before} for ${FEW} files`);
      }
    const [, base] = card("a film");
    const originals = await fileHashes(join(base, "originals"), "*.MOV");
    assert.deepEqual(originals, await fileHashes(card("a film")[0], "*.MOV"));
    const tried = 2 * FILES + FEW + 1;
    report(t, { harness: "much at once", tried, hit: tried });
  });
});

async function measured(source: string, base: string) {
  const beganMs = performance.now();
  const { ended, mib } = await peaksOf(
    start(args(source, base, "--set", "WEB_PORT=0"), { isLaunched: true }),
  );
  assert.equal(ended.code, 0, ended.err);
  return { mib, seconds: (performance.now() - beganMs) / 1000 };
}

/** Pictures as small as they get: what there is to do for each is names, rows, syncs, two renditions and a tile. */
async function pictures(card: string, count: number): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < count; n++) files[dcfName(n, "JPG")] = await picture(n, { width: 48, height: 32 });
  return makeCard(card, files);
}

/** Sidecars of 4 KB: what there is to do for each is names, rows and syncs. */
async function sidecars(card: string, count: number): Promise<string> {
  const files = Array.from({ length: count }, (_, n) => [dcfName(n, "XMP"), randomBytes(4000)]);
  return makeCard(card, Object.fromEntries(files) as Record<string, Uint8Array>);
}

/** A thousand a folder. */
function dcfName(n: number, extension: string): string {
  return `DCIM/${100 + Math.floor(n / 1000)}CANON/IMG_${String(n).padStart(5, "0")}.${extension}`;
}

/** A film that is nearly all hole: a few bytes at its beginning, middle and end. */
async function sparseFilm(card: string): Promise<string> {
  await makeCard(card, { "DCIM/100CANON/MVI_0001.MOV": "" });
  const path = join(card, "DCIM/100CANON/MVI_0001.MOV");
  const bytes = FILM_MIB * 1024 * 1024;
  const file = await open(path, "r+");
  for (const at of [0, Math.floor(bytes / 2) + 7, bytes - 100])
    await file.write(randomBytes(100), 0, 100, at);
  await file.close();
  await utimes(path, 1_780_000_000, 1_780_000_000);
  return card;
}

/** By sha256sum, since a file of some GiB fits in no buffer. */
async function fileHashes(folder: string, pattern: string): Promise<string[]> {
  const lines = execFileSync("find", [folder, "-name", pattern, "-exec", "sha256sum", "{}", ";"], {
    encoding: "utf8",
  });
  return lines
    .trim()
    .split("\n")
    .map((line) => line.slice(0, 64));
}

/** A path that is as long as an absolute path can be on this system (PATH_MAX: 4096 with the zero byte). */
function deepPath(card: string): string {
  const room = 4095 - Buffer.byteLength(card) - 1;
  const folders = Array.from({ length: 12 }, () => "d".repeat(255)).join("/");
  const rest = room - folders.length - 2;
  return `${folders}/${"e".repeat(Math.floor(rest / 4))}/${"f".repeat(Math.floor(rest / 4))}/${"g".repeat(rest - 2 * Math.floor(rest / 4) - 260)}/${"h".repeat(257 - 2)}`;
}

function pathsIn(base: string): Buffer[] {
  const catalog = new Database(join(base, "ghostroll.db"), { readonly: true });
  try {
    return catalog.prepare<[], Buffer>("SELECT path FROM card_file").pluck().all();
  } finally {
    catalog.close();
  }
}

function args(source: string, base: string, ...more: string[]): string[] {
  return ["ingest", source, "--base-dir", base, "--set", "RESERVE_MB=0", "--no-serve", ...more];
}
