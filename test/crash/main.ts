import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Figure } from "../support/figures.ts";

/** An hour for each harness: the longest takes some ten minutes on two cores. */
const TIMEOUT_MS = 3_600_000;

// `npm run test:crash [NAME…]`: the long form of every harness, and a table of what they found.
const wanted = process.argv.slice(2);
const tests = join(import.meta.dirname, "..");
const files = (await readdir(tests, { recursive: true }))
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => wanted.length === 0 || wanted.some((name) => basename(file).startsWith(name)))
  .map((file) => join(tests, file))
  .filter((file) => readFileSync(file, "utf8").includes("support/figures.ts"));
const figures = join(mkdtempSync(join(tmpdir(), "ghostroll-figures-")), "figures");
const { status } = spawnSync(
  process.execPath,
  ["--test", `--test-timeout=${TIMEOUT_MS}`, "--test-concurrency=1", ...files],
  {
    stdio: "inherit",
    env: { ...process.env, GHOSTROLL_LONG: "1", GHOSTROLL_FIGURES: figures },
  },
);
const rows = existsSync(figures) ? readFileSync(figures, "utf8").trim().split("\n") : [];
const table = rows.map((row) => JSON.parse(row) as Figure);
const width = Math.max(7, ...table.map(({ harness }) => harness.length));
const line = (...cells: readonly (string | number)[]) =>
  cells
    .map((cell, index) => (index === 0 ? String(cell).padEnd(width) : String(cell).padStart(8)))
    .join("  ");
console.log(`\n${line("harness", "tried", "hit")}`);
for (const { harness, tried, hit } of table) console.log(line(harness, tried, hit));
console.log(
  status === 0
    ? "Nothing was lost, falsely claimed or kept twice: a harness fails at the first such file."
    : "A harness has failed, and has no row: see above.",
);
process.exitCode = status ?? 1;
