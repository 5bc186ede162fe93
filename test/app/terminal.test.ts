import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { drawFrame, NO_TRAILS } from "../../src/app/frame.ts";
import { openDisplay } from "../../src/app/terminal.ts";
import { follow, type Progress, ratePerSecond, secondsLeft, type Trail } from "../../src/domain/progress.ts";

const GB = 1e9;

function progress(changes: Partial<Progress> = {}): Progress {
  return {
    label: "EOS_DIGITAL",
    foundFiles: 412,
    foundBytes: 3.4 * GB,
    copiedFiles: 128,
    copiedBytes: 1.2 * GB,
    duplicates: 0,
    failed: 0,
    isOffloaded: false,
    shownTotal: 398,
    rendered: 100,
    uploaded: 60,
    published: 40,
    link: null,
    sentence: null,
    startedMs: 0,
    nowMs: 10_000,
    ...changes,
  };
}

const LINK = "http://192.168.1.20:8081/o/g/abcdefghijklmnopqrstuv/v?s=xy";

const ESCAPE = "\u001b";
const PARTS = new RegExp(`${ESCAPE}\\[\\d*[A-Za-z]|\\n|\\r|[^${ESCAPE}\n\r]+`, "g");
const CURSOR_UP = new RegExp(`^${ESCAPE}\\[(\\d+)A$`);

/** What a terminal shows after these writes; every line must fit and nothing may go above the first one. */
function screen(writes: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let row = 0;
  let isAtStart = true;
  for (const [part] of writes.join("").matchAll(PARTS)) {
    const up = CURSOR_UP.exec(part);
    if (up) row -= Number(up[1]);
    else if (part === "\n") row++;
    else if (part === "\u001b[0J") lines.length = row;
    else if (part === "\u001b[K" && isAtStart) lines[row] = "";
    else if (part !== "\r" && !part.startsWith(ESCAPE)) lines[row] = part;
    isAtStart = /[\n\r]/.test(part);
    assert.ok(row >= 0, "above the first line");
    assert.ok((lines[row] ?? "").length < columns, `wraps: ${lines[row]}`);
  }
  return lines;
}

function record() {
  const writes: string[] = [];
  return { writes, out: { write: (text: string) => writes.push(text) } };
}

describe("progress", () => {
  it("takes the rate over the last ten seconds, not since the beginning", () => {
    let trail: Trail = [];
    for (let second = 0; second <= 60; second++)
      trail = follow(trail, second * 1000, second < 40 ? second * 100 : 4000 + (second - 40) * 10);
    assert.equal(ratePerSecond(trail), 10);
    assert.equal(secondsLeft(trail, 4300), 10);
    assert.ok(trail.length <= 12, `${trail.length} moments kept`);
  });

  it("claims no rate from one moment and no end when nothing moves", () => {
    assert.equal(ratePerSecond(follow([], 0, 5)), null);
    const stalled = follow(follow([], 0, 5), 5000, 5);
    assert.equal(ratePerSecond(stalled), 0);
    assert.equal(secondsLeft(stalled, 100), null);
  });

  it("still sees a card that answers once in a while", () => {
    const trail = follow(follow([], 0, 0), 30_000, 3000);
    assert.equal(ratePerSecond(trail), 100);
  });
});

describe("frame", () => {
  it("shows bytes, time left, rate and files of a card, each stage, and the link", () => {
    const trails = { ...NO_TRAILS, bytes: follow(follow([], 0, 0.2 * GB), 10_000, 1.2 * GB) };
    const lines = drawFrame(progress({ link: LINK, failed: 2 }), trails, { columns: 120, useColor: false });
    const text = lines.join("\n");
    assert.match(text, /Card +━+─+ {2}1\.2 of 3\.4 GB {3}22 s left {3}100 MB\/s {3}128 of 412 files/);
    assert.match(text, /Pictures +━+─+ {2}100 of 398/);
    assert.match(text, /Uploads +━+─+ {2}60 of 398 {3}40 in the gallery/);
    assert.ok(text.includes(LINK));
    assert.match(text, /2 files could not be kept\./);
  });

  for (const columns of [1, 20, 30, 46, 80, 132])
    it(`stays inside ${columns} columns`, () => {
      const busy = progress({
        label: "Très long étiquette 写真写真写真写真 of a card that somebody named with care",
        link: LINK,
        failed: 1,
        sentence: `410 of 412 files are kept; unreadable: ${"DSC_0001.NEF, ".repeat(60)}`,
      });
      const lines = drawFrame(busy, NO_TRAILS, { columns, useColor: false });
      const wide = (text: string) =>
        Array.from(text).reduce((sum, char) => sum + (char >= "一" && char <= "鿿" ? 2 : 1), 0);
      for (const line of lines) assert.ok(wide(line) < Math.max(20, columns), `${wide(line)}: ${line}`);
      assert.ok(lines.length <= 12, `${lines.length} lines`);
    });

  it("never shows a cut link, since that opens nothing", () => {
    const text = drawFrame(progress({ link: LINK }), NO_TRAILS, { columns: 60, useColor: false }).join("\n");
    assert.ok(!text.includes("http"));
    assert.match(text, /see the link above/);
  });

  it("lets no card's label move the cursor", () => {
    const frame = drawFrame(progress({ label: "A\u001b[2JB\u202eC" }), NO_TRAILS, {
      columns: 80,
      useColor: false,
    });
    assert.match(frame.join("\n"), /A�\[2JB�C/);
  });

  it("uses color only when it may, and says the same without", () => {
    const now = progress({ link: LINK, failed: 1, sentence: "Safe to remove." });
    const colored = drawFrame(now, NO_TRAILS, { columns: 80, useColor: true });
    const plain = drawFrame(now, NO_TRAILS, { columns: 80, useColor: false });
    assert.ok(colored.join("").includes("\u001b["));
    assert.ok(!plain.join("").includes("\u001b"));
    assert.deepEqual(colored.map(stripVTControlCharacters), plain);
  });
});

describe("display on a terminal", () => {
  it("draws at most ten times a second and always ends with the last state", () => {
    const { writes, out } = record();
    const display = openDisplay({ out, isTty: true, columns: () => 100, useColor: false });
    for (let files = 1; files <= 412; files++) display.update(progress({ copiedFiles: files }));
    assert.equal(writes.length, 1);
    display.close();
    assert.match(screen(writes, 100).join("\n"), /412 of 412 files/);
    const count = writes.length;
    display.update(progress());
    assert.equal(writes.length, count);
  });

  it("draws over itself and leaves notes standing above", async () => {
    const { writes, out } = record();
    const display = openDisplay({ out, isTty: true, columns: () => 100, useColor: false });
    display.update(progress({ failed: 3, sentence: "Reading." }));
    display.note("The bucket is away.");
    await new Promise((resolve) => setTimeout(resolve, 120));
    display.update(progress({ copiedFiles: 200 }));
    display.note("The bucket is back.");
    display.close();
    const shown = screen(writes, 100).join("\n");
    assert.equal(shown.match(/EOS_DIGITAL/g)?.length, 1);
    assert.match(shown, /^The bucket is away\.\nThe bucket is back\.\n\n {2}EOS_DIGITAL/);
    assert.match(shown, /200 of 412 files/);
    assert.ok(!shown.includes("Reading."));
  });

  it("prints a link that is wider than the terminal once, whole, above", () => {
    const { writes, out } = record();
    const display = openDisplay({ out, isTty: true, columns: () => 40, useColor: false });
    display.update(progress({ link: LINK }));
    display.update(progress({ link: LINK, copiedFiles: 200 }));
    display.close();
    assert.equal(writes.join("").split(`${LINK}\u001b[K\n`).length, 2);
  });
});

describe("display elsewhere", () => {
  it("writes plain lines at milestones and repeats none", () => {
    const { writes, out } = record();
    const display = openDisplay({ out, isTty: false, columns: () => 80, useColor: true });
    const base = { shownTotal: 0, rendered: 0, uploaded: 0, published: 0 };
    display.update(
      progress({ ...base, foundFiles: 0, foundBytes: 0, copiedFiles: 0, copiedBytes: 0, nowMs: 0 }),
    );
    for (let second = 1; second <= 34; second++)
      display.update(
        progress({ ...base, copiedFiles: second * 12, copiedBytes: second * 0.1 * GB, nowMs: second * 1000 }),
      );
    const done = { copiedFiles: 412, copiedBytes: 3.4 * GB, isOffloaded: true, duplicates: 12, failed: 1 };
    display.update(
      progress({ ...done, ...base, nowMs: 75_000, link: LINK, sentence: "411 of 412 files are kept." }),
    );
    display.update(
      progress({
        ...done,
        nowMs: 76_000,
        link: LINK,
        sentence: "411 of 412 files are kept.",
        published: 398,
      }),
    );
    display.note("Serving until Ctrl-C.");
    display.close();
    assert.deepEqual(writes.join("").split("\n"), [
      "EOS_DIGITAL: 412 files, 3.4 GB to read.",
      "EOS_DIGITAL: 0.9 of 3.4 GB read, 100 MB/s, 25 s left.",
      "EOS_DIGITAL: 1.7 of 3.4 GB read, 100 MB/s, 17 s left.",
      "EOS_DIGITAL: 2.6 of 3.4 GB read, 100 MB/s, 8 s left.",
      "EOS_DIGITAL: 412 files, 3.4 GB read in 1 min 15 s, 12 kept before. 1 file could not be kept.",
      `EOS_DIGITAL: gallery ${LINK}`,
      "EOS_DIGITAL: 411 of 412 files are kept.",
      "EOS_DIGITAL: 398 of 398 in the gallery.",
      "Serving until Ctrl-C.",
      "",
    ]);
  });

  it("says that it is alive when a slow card passes no milestone for a minute", () => {
    const { writes, out } = record();
    const display = openDisplay({ out, isTty: false, columns: () => 80, useColor: false });
    for (let second = 0; second <= 130; second++)
      display.update(progress({ shownTotal: 0, copiedBytes: 1000 + second, nowMs: second * 1000 }));
    assert.equal(writes.filter((line) => line.includes(" read")).length, 1 + 2);
  });
});
