import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { Summary } from "../../src/app/summary.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { assertComplete, hashesBelow } from "../support/invariants.ts";
import { lookInto } from "../support/look-into.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const corpus = join(import.meta.dirname, "../../../shared/corpus");
const skip = existsSync(corpus) ? false : "needs the corpus of camera files beside the project";

type Printed = Summary & { readonly exitCode: number };

async function ingestTwice(source: string, base: string) {
  const run = async () => {
    const { code, out, err } = await ghostroll([
      "ingest",
      source,
      "--base-dir",
      base,
      "--no-serve",
      "--rescan",
      "stat",
      "--json",
      // With an address, links do not depend on which port is free.
      "--set",
      "WEB_URL=http://ghostroll.test",
    ]);
    assert.doesNotMatch(err, /\n\s+at /, err);
    const printed = JSON.parse(out) as Printed;
    assert.equal(code, printed.exitCode);
    return printed;
  };
  return { first: await run(), second: await run() };
}

/** Runs coreutils over every manifest of the library; returns how many files it found to be right. */
async function checkManifests(base: string): Promise<number> {
  const all = await readdir(join(base, "originals"), { recursive: true });
  let right = 0;
  for (const path of all.filter((name) => name.endsWith("SHA256SUMS"))) {
    const cwd = dirname(join(base, "originals", path));
    right +=
      execFileSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd, encoding: "utf8" }).match(/: OK$/gm)
        ?.length ?? 0;
  }
  return right;
}

describe("real camera files", { skip }, () => {
  it("are all kept byte for byte and all shown, and the second time nothing is read or put", async (t) => {
    const base = await tempFolder(t);
    const source = join(corpus, "jpeg");
    const contents = new Set((await hashesBelow(source)).values());
    const { first, second } = await ingestTwice(source, base);
    assert.equal(first.kept + first.duplicates, first.foundFiles);
    // The one whose header says that it has no lines (libvips: "Empty JPEG image").
    assert.deepEqual([first.exitCode, first.troubles.map(({ name }) => name)], [3, ["beach.jpg"]]);
    assert.equal(await checkManifests(base), contents.size);
    await assertComplete(base, contents, contents.size - first.troubles.length);
    assert.deepEqual(
      [second.knownFiles, second.bytesRead, second.puts, second.kept],
      [first.foundFiles, 0, 0, 0],
    );
    assert.equal(second.link?.split("?")[0], first.link?.split("?")[0]);
  });

  it("that a fuzzer broke, films and sounds all of them, are all kept byte for byte and nobody tries to open one", async (t) => {
    const base = await tempFolder(t);
    const source = join(corpus, "fuzzed");
    const contents = new Set((await hashesBelow(source)).values());
    const { first, second } = await ingestTwice(source, base);
    assert.equal(await checkManifests(base), contents.size);
    assert.deepEqual([second.bytesRead, second.puts], [0, 0]);
    assert.equal(first.kept + first.duplicates + first.failed, first.foundFiles);
    assert.deepEqual([first.exitCode, first.troubles], [0, []]);
    const catalog = lookInto(join(base, "ghostroll.db"));
    const kinds = catalog
      ?.prepare("SELECT kind, count(*) AS files FROM original GROUP BY kind ORDER BY kind")
      .all();
    catalog?.close();
    assert.deepEqual(kinds, [
      { kind: "audio", files: 4 },
      { kind: "video", files: 69 },
    ]);
    // Films get a plain tile, sounds none.
    await assertComplete(base, contents, 69);
    t.diagnostic(`${first.foundFiles} files, ${first.kept} kept, ${first.troubles.length} named`);
  });

  it("are not even opened the second time", { skip: lacks("strace") }, async (t) => {
    const base = await tempFolder(t);
    const source = join(corpus, "jpeg");
    const args = ["ingest", source, "--base-dir", base, "--no-serve", "--rescan", "stat", "--json"];
    assert.equal((await ghostroll(args)).code, 3);
    const log = join(base, "trace");
    const traced = [
      "-f",
      "-o",
      log,
      "-e",
      "trace=open,openat,openat2",
      process.execPath,
      join(import.meta.dirname, "../../src/main.ts"),
      ...args,
    ];
    execFileSync("strace", traced, { env: { ...process.env, GHOSTROLL_BASE_DIR: base }, stdio: "pipe" });
    const opened = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.includes(source) && /\.jpg/i.test(line));
    assert.deepEqual(opened, []);
    assert.match(readFileSync(log, "utf8"), /ghostroll\.db/);
  });
});
