import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { pictureCard } from "../support/card.ts";
import { report } from "../support/figures.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import type { Step } from "./order/trace.ts";
import { stepsIn } from "./order/trace.ts";
import { under } from "./syscalls/strace.ts";

const PICTURES = 20;
const CALLS = "fsync fdatasync link linkat mkdir mkdirat rename renameat renameat2 pwrite64".split(" ");
/** A page of the catalog, each byte of it at most four characters. */
const SHOWN_BYTES = 4 * 4096 + 100;

/**
 * The order is looked at itself, call by call: what a filesystem happens to save with something else that is synced, as journals
 * do, another one loses.
 */
describe("bytes, name, row", { skip: lacks("strace") }, () => {
  it("come in this order for every file, in the library and on a second disk", {
    timeout: 120_000,
  }, async (t) => {
    const folder = await tempFolder(t);
    const [base, second] = [join(folder, "library"), join(folder, "second")];
    await mkdir(second);
    const log = join(folder, "calls");
    const card = await pictureCard(join(folder, "card"), PICTURES);
    const traced = async (...more: string[]) => {
      const args = ["ingest", card, "--base-dir", base, "--no-serve", "--set", "RESERVE_MB=0", ...more];
      const ended = await ghostroll(args, { under: under({ log, calls: CALLS, shownBytes: SHOWN_BYTES }) });
      assert.equal(ended.code, 0, ended.out + ended.err);
      return stepsIn(log);
    };

    const steps = await traced();
    const kept = rowsOf(base, "original");
    assert.equal(kept.length, PICTURES);
    for (const path of kept) assertOrder(steps, base, path);

    // In a run of its own: the row of a copy names the same path as that of its original.
    const later = await traced("--set", `SECOND_DIR=${second}`);
    const copies = rowsOf(base, "second_copy");
    assert.equal(copies.length, PICTURES);
    for (const path of copies) {
      const { named, row } = assertOrder(later, second, path);
      const isListed = later.some(
        ({ name, paths, began, ended }) =>
          name.startsWith("rename") &&
          paths.at(-1)?.startsWith(second) &&
          paths.at(-1)?.endsWith("SHA256SUMS") &&
          began > named.ended &&
          ended < row.began,
      );
      assert.ok(isListed, `${path} is in no list on the second disk before its row is written`);
    }
    report(t, { harness: "bytes, name, row: in order", tried: 2 * PICTURES, hit: 2 * PICTURES });
  });
});

/** Throws unless a file was synced before it got its name, and each new name on its way there before its row was written. */
function assertOrder(
  steps: readonly Step[],
  root: string,
  path: string,
): { readonly named: Step; readonly row: Step } {
  const at = join(root, path);
  const named = steps.find(({ name, paths }) => name.startsWith("link") && paths.at(-1) === at);
  const row = steps.find(
    ({ name, paths, line }) => name === "pwrite64" && paths[0]?.endsWith("-wal") && line.includes(path),
  );
  assert.ok(named, `${path} got its name without a link`);
  assert.ok(row, `no row of ${path} was written`);
  const isSynced = (what: string | undefined, after: number, before: number) =>
    steps.some(
      ({ name, paths, began, ended }) =>
        /^f(data)?sync$/.test(name) && paths[0] === what && began > after && ended < before,
    );
  assert.ok(isSynced(named.paths[0], -1, named.began), `${path} got its name before its bytes were synced`);
  assert.ok(
    isSynced(dirname(at), named.ended, row.began),
    `the row of ${path} was written before its name was synced`,
  );
  for (let above = dirname(at); above !== root; above = dirname(above)) {
    const made = steps.find(({ name, paths }) => name.startsWith("mkdir") && paths.at(-1) === above);
    if (made === undefined) continue;
    assert.ok(
      isSynced(dirname(above), made.ended, row.began),
      `the row of ${path} was written before the folder ${above} was synced`,
    );
  }
  return { named, row };
}

function rowsOf(base: string, table: "original" | "second_copy"): readonly string[] {
  const catalog = new Database(join(base, "ghostroll.db"), { readonly: true });
  try {
    return catalog.prepare(`SELECT path FROM ${table}`).pluck().all() as string[];
  } finally {
    catalog.close();
  }
}
