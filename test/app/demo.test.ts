import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { picture, pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { lacks } from "../support/needs.ts";
import { decodeQr } from "../support/qr.ts";
import { tempFolder } from "../support/temp.ts";

const launcher = join(import.meta.dirname, "../../bin/ghostroll");
const LINK = /http:\/\/127\.0\.0\.1:\d+\/o\/g\/[^\s?]+\?\S+/;
/** Small pictures and no zip: what they look like is another test's matter. */
const QUICK = ["--set", "SHARE_MAX_LONG_EDGE=480", "--set", "THUMB_MAX_LONG_EDGE=240", "--set", "ZIPS=false"];

/** Waits until a text says so; a machine at work may take its time to draw fifty pictures. */
async function until(text: () => string, what: RegExp): Promise<string> {
  for (const endMs = performance.now() + 170_000; performance.now() < endMs; await delay(50)) {
    const found = what.exec(stripVTControlCharacters(text()));
    if (found !== null) return found[0];
  }
  assert.fail(`never said ${what}:\n${text()}`);
}

/** Opens a gallery as a browser does, and its first picture. */
async function openPicture(link: string): Promise<void> {
  const page = await fetch(link);
  assert.equal(page.status, 200);
  const address = /href="([^"]+-share\.jpg[^"]*)"/.exec(await page.text())?.[1]?.replaceAll("&amp;", "&");
  const shown = await fetch(address ?? "");
  assert.deepEqual([shown.status, shown.headers.get("content-type")], [200, "image/jpeg"]);
  assert.ok((await shown.arrayBuffer()).byteLength > 500);
}

/** Processes of this machine with a word in their command line or working directory, besides this one. */
const processesOf = (word: string): string[] =>
  readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid)
    .filter((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, "utf8").includes(word);
      } catch {
        return false;
      }
    });

describe("the demo", () => {
  it("draws a card, prints link and QR code on a terminal, serves the gallery, and ends with Ctrl-C and nothing left", {
    skip: lacks("script", "zbarimg"),
  }, async (t) => {
    const folder = await tempFolder(t);
    const base = join(folder, "library");
    const command = `stty cols 120 rows 50; exec sh ${launcher} demo --port 0 --base-dir ${base} ${QUICK.join(" ")}`;
    const env = { PATH: process.env["PATH"], HOME: folder, TERM: "xterm" };
    const terminal = spawn("script", ["-qefc", command, "/dev/null"], { cwd: folder, env });
    t.after(() => void terminal.kill("SIGKILL"));
    let out = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    const ended = new Promise((resolve) => terminal.once("close", resolve));
    await until(() => out, /Serving the gallery; Ctrl-C ends it/);
    const link = LINK.exec(stripVTControlCharacters(out))?.[0] ?? "";
    await openPicture(link);
    const code = out.split("\n").filter((line) => line.includes("48;5;231m"));
    assert.equal(await decodeQr(code.join("\n").replaceAll("\r", ""), true, join(folder, "qr.png")), link);
    assert.match(out, /IMG_0099\.JPG: /, "the broken file is named");
    assert.doesNotMatch(out, /delete it/, "in a folder that somebody has named there may be more");
    assert.notEqual(processesOf(base).length, 0);
    terminal.stdin.write("\u0003");
    assert.equal(await ended, 0);
    assert.deepEqual(processesOf(base), []);
    assert.deepEqual((await readdir(folder)).toSorted(), ["library", "qr.png"]);
    await assert.rejects(fetch(link));
  });

  it("uses nothing that is set up for real cards: not that catalog, second disk, bucket, nor whom to tell", async (t) => {
    const folder = await tempFolder(t);
    const card = await pictureCard(join(folder, "card"), 3);
    const real = join(folder, "real");
    await mkdir(join(folder, "second"));
    await writeFile(
      join(folder, ".env"),
      [
        `GHOSTROLL_DB_PATH=${real}/catalog.db`,
        `GHOSTROLL_SECOND_DIR=${folder}/second`,
        `GHOSTROLL_ON_EVENT=touch ${folder}/told`,
        "GHOSTROLL_TEXT_TO=command:/bin/false",
        "GHOSTROLL_S3_BUCKET=photos",
        "GHOSTROLL_SHARE=capability",
        "GHOSTROLL_GALLERY=wedding",
        "GHOSTROLL_NO_SUCH_SETTING=1",
      ].join("\n"),
    );
    const env = { GHOSTROLL_BASE_DIR: real, GHOSTROLL_WEB_URL: "https://photos.example.org" };
    const run = start(["demo", "--port", "0", "--card", card, ...QUICK], { cwd: folder, env });
    t.after(() => void run.child.kill("SIGKILL"));
    await until(run.out, /Serving the gallery/);
    assert.match(run.out(), /\.ghostroll; delete it when you are done\./);
    await openPicture(LINK.exec(run.out())?.[0] ?? "");
    run.child.kill("SIGINT");
    const { code, err } = await run.ended;
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual((await readdir(folder)).toSorted(), [".env", ".ghostroll", "card", "second"]);
    assert.deepEqual(await readdir(join(folder, "second")), []);
    assert.ok(existsSync(join(folder, ".ghostroll/ghostroll.db")));
    const bucket = await ghostroll(["demo", "--set", "S3_BUCKET=photos"], { cwd: folder });
    assert.deepEqual([bucket.code, /stays on this machine/.test(bucket.err)], [64, true]);
  });

  it("returns what ingest would for pictures of one's own that are not all right", async (t) => {
    const folder = await tempFolder(t);
    await mkdir(join(folder, "card"));
    await writeFile(join(folder, "card/good.jpg"), await picture(1));
    await writeFile(join(folder, "card/bad.jpg"), (await picture(2)).subarray(0, 60));
    const { code, out } = await ghostroll(
      ["demo", "--port", "0", "--no-serve", "--card", join(folder, "card"), ...QUICK],
      { cwd: folder },
    );
    assert.equal(code, 3, out);
    assert.match(out, /bad\.jpg: /);
  });
});
