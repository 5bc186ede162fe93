import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { report } from "../support/figures.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { assertApplies, plant } from "./mutants/plant.ts";

interface Mutant {
  /** Its patch in `mutants/`. */
  readonly name: string;
  /** The harness that finds it, which of its tests, and what it says then. */
  readonly harness: string;
  readonly test: string;
  readonly says: RegExp;
  readonly env?: Readonly<Record<string, string>>;
}

/** Bugs of order that this design could have, and a harness that would tell us (data safety: bytes, name, claim). */
const MUTANTS: readonly Mutant[] = [
  {
    // Nor read back: reading past the cache makes the kernel write, and saves on ext4 and xfs what was not synced.
    name: "no-file-fsync",
    harness: "power-cut",
    test: "nothing that was acknowledged, on ext4",
    says: /the row of .* lies|holds something that is not on the card/,
  },
  {
    name: "synchronous-normal",
    harness: "power-cut",
    test: "nothing that was acknowledged, on ext4",
    says: /was acknowledged, and the catalog has forgotten it/,
  },
  {
    name: "row-before-file",
    harness: "syscalls",
    test: "may be the last",
    says: /the row of .* lies/,
    env: { GHOSTROLL_CALLS: "link [12] on copies" },
  },
  {
    name: "straight-to-final-name",
    harness: "syscalls",
    test: "may be the last",
    says: /holds something that is not on the card/,
    env: { GHOSTROLL_CALLS: "openat [13] on copies" },
  },
  {
    name: "publish-before-upload",
    harness: "flaky-store",
    test: "claims nothing",
    says: /is uploaded, says the catalog|which is not (there|uploaded)/,
  },
  {
    name: "acknowledge-before-commit",
    harness: "syscalls",
    test: "may be the last",
    says: /it said that \d+ bytes are kept/,
    env: { GHOSTROLL_CALLS: "pwrite64 \\d*[05] on catalog" },
  },
  {
    name: "no-directory-fsync",
    harness: "power-cut",
    test: "nothing that was acknowledged, on ext4",
    says: /the row of .* lies/,
  },
  {
    // On ext4, xfs and btrfs the sync of the list that follows saves the names, too; of the order of calls that is no part.
    name: "second-copy-no-sync",
    harness: "order",
    test: "come in this order",
    says: /the row of .* was written before its name was synced/,
  },
  {
    name: "second-copy-row-before-name",
    harness: "power-cut",
    test: "no second copy that was acknowledged, on ext4",
    says: /the row of the second copy of .* lies|lacks a copy that has a row/,
  },
  {
    name: "records-not-durable",
    harness: "power-cut",
    test: "nothing that was acknowledged, on ext4",
    says: /has no session\.json that can be read|is not what its rows say/,
  },
];

/** Longer than any harness takes in its short form on a busy machine. */
const HARNESS_MS = 170_000;
/** Cuts and kills come at random moments: one run in its short form finds most bugs, not every bug each time. */
const TRIES = 3;

const skip = lacks("strace", "mkfs.ext4", "xfs_io") || lacksRoot();

describe("a bug of order planted in the product", { skip }, () => {
  for (const { name, harness, test, says, env } of MUTANTS)
    it(`is found: ${name}, by ${harness}`, { timeout: TRIES * (HARNESS_MS + 10_000) }, async (t) => {
      const source = await plant(name);
      let [tries, found] = [0, await run(harness, test, { ...env, GHOSTROLL_TEST_SOURCE: source })];
      while (found.code === 0 && ++tries < TRIES)
        found = await run(harness, test, { ...env, GHOSTROLL_TEST_SOURCE: source });
      assert.notEqual(found.code, 0, `${harness} passes with ${name} planted:\n${found.out}`);
      assert.match(found.out, says, "it fails for another reason than the bug");
      report(t, {
        harness: `planted: ${name}, found by ${harness}`,
        tried: 1,
        hit: 1,
      });
    });
});

describe("the patch of a planted bug", { skip: lacks("git") }, () => {
  it("belongs to one that a harness has to find", async () => {
    const patches = (await readdir(join(import.meta.dirname, "mutants"))).filter((file) =>
      file.endsWith(".patch"),
    );
    assert.deepEqual(patches.toSorted(), MUTANTS.map(({ name }) => `${name}.patch`).toSorted());
  });

  for (const { name } of MUTANTS) it(`applies to the product as it is: ${name}`, () => assertApplies(name));
});

/** Runs one test of a harness in its short form. */
async function run(harness: string, test: string, env: Readonly<Record<string, string>>) {
  const { NODE_TEST_CONTEXT: _, GHOSTROLL_LONG: __, GHOSTROLL_FIGURES: ___, ...ours } = process.env;
  const file = join(import.meta.dirname, `${harness}.test.ts`);
  const child = spawn(
    process.execPath,
    ["--test", "--test-reporter=spec", `--test-timeout=${HARNESS_MS}`, `--test-name-pattern=${test}`, file],
    { env: { ...ours, ...env }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const out = await text(child.stdout);
  return { code: await closed, out };
}
