import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ghostroll, start } from "../support/ghostroll.ts";
import { peaksOf } from "../support/memory.ts";

/** What fits on a card of 512 GB at 12 MB a picture; a thousand a folder. */
const FILES = 41_000;
const FOLDER_FILES = 1_000;
/** Beside the pictures and uploads of another card, on the smallest machine this is for: 150 MB. */
const MOST_MIB = 143;
/** Whatever else the machine does slows down the walk as well; of several rounds the fastest is the one least disturbed. */
const ROUNDS = 3;
/**
 * Of the time a bare process takes to walk the card. On a quiet machine it is less than four: two processes are started, and
 * what was walked is looked up and compared. To read, or to wait for, anything of each file would take many times as long.
 */
const MOST_WALKS = 10;
/** A filesystem in memory: this is not about the disk. */
const MEMORY = "/dev/shm";

const WALK = `
  const { lstatSync, readdirSync } = require("node:fs");
  let files = 0;
  for (const entry of readdirSync(process.argv[1], { recursive: true, withFileTypes: true }))
    if (entry.isFile() && lstatSync(entry.parentPath + "/" + entry.name).size > 0) files++;
  process.stdout.write(String(files));`;

/** A tick of the processor time that the kernel counts (USER_HZ, proc(5)). */
const TICK_SECONDS = 0.01;

/** Processor time of everything this process has started and seen end, with all that those have started. */
function childSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_SECONDS;
}

describe("a card that is known", () => {
  it(`of ${FILES} files is looked through by size and time in little more than it takes to walk it`, {
    timeout: 900_000,
  }, async (t) => {
    const folder = await mkdtemp(join(MEMORY, "ghostroll-known-"));
    t.after(() => rm(folder, { recursive: true }));
    const card = join(folder, "CARD");
    for (let number = 0; number < FILES; number++) {
      const place = join(card, "DCIM", `${100 + Math.floor(number / FOLDER_FILES)}CANON`);
      if (number % FOLDER_FILES === 0) await mkdir(place, { recursive: true });
      await writeFile(join(place, `IMG_${String(number).padStart(5, "0")}.XMP`), `<x n="${number}"/>`);
    }
    const settings = ["RESERVE_MB=0", "WEB_PORT=0", "RESCAN=stat"].flatMap((pair) => ["--set", pair]);
    const args = ["ingest", card, "--no-serve", "--base-dir", join(folder, "library"), ...settings];
    const first = await ghostroll(args, { isLaunched: true });
    assert.equal(first.code, 0, first.err);

    const [walks, looks]: [number[], number[]] = [[], []];
    let [mib, processorSeconds]: [readonly number[], number] = [[], 0];
    for (let round = 0; round < ROUNDS; round++) {
      const walkedMs = performance.now();
      assert.equal(execFileSync(process.execPath, ["-e", WALK, card], { encoding: "utf8" }), `${FILES}`);
      walks.push(performance.now() - walkedMs);
      const [before, lookedMs] = [childSeconds(), performance.now()];
      const { ended, mib: peaks } = await peaksOf(start(args, { isLaunched: true }));
      looks.push(performance.now() - lookedMs);
      processorSeconds = childSeconds() - before;
      mib = peaks;
      assert.equal(ended.code, 0, ended.err);
      assert.match(ended.out, /41,000 files.*known|nothing new/i);
    }
    const [walkMs, lookMs] = [Math.min(...walks), Math.min(...looks)];
    t.diagnostic(
      `${FILES} known files: ${lookMs.toFixed(0)} ms, ${processorSeconds.toFixed(2)} s of processor time, ${mib.join(" and ")} MiB at most`,
    );
    t.diagnostic(
      `a bare walk: ${walkMs.toFixed(0)} ms; load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`,
    );
    for (const peak of mib) assert.ok(peak < MOST_MIB, `${peak} MiB`);
    assert.ok(lookMs < MOST_WALKS * walkMs, `${(lookMs / walkMs).toFixed(1)} times a bare walk`);
  });
});
