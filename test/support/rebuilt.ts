import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ghostroll } from "./ghostroll.ts";
import { lookInto } from "./look-into.ts";

interface Contents {
  /** Paths of originals by content. */
  readonly originals: ReadonlyMap<string, string>;
  /** Sessions that keep something: name, gallery, card and day. Where a gallery is the same, so is its link. */
  readonly sessions: readonly unknown[];
}

/**
 * A catalog that is lost at this moment comes back: the same originals under the same names, the same sessions and links.
 * Tried on a copy of names, not of bytes: a rebuild writes into no file that is there.
 */
export async function assertRebuilds(base: string, catalog = join(base, "ghostroll.db")): Promise<void> {
  const before = contentsOf(catalog);
  if (before.originals.size === 0) return;
  const copy = `${base}-without-catalog`;
  execFileSync("cp", ["-al", base, copy]);
  try {
    for (const name of await readdir(copy)) if (name.startsWith("ghostroll.")) await rm(join(copy, name));
    const { code, out, err } = await ghostroll(["rebuild", "--base-dir", copy]);
    assert.equal(code, 0, out + err);
    const after = contentsOf(join(copy, "ghostroll.db"));
    // There may be more: what had got its name, and no row yet.
    for (const [hash, path] of before.originals)
      assert.equal(after.originals.get(hash), path, `${path} is not in the catalog that was rebuilt`);
    const made = after.sessions.map((session) => JSON.stringify(session));
    for (const session of before.sessions)
      assert.ok(
        made.includes(JSON.stringify(session)),
        `${JSON.stringify(session)} is not among ${made.join()}`,
      );
  } finally {
    await rm(copy, { recursive: true });
  }
}

function contentsOf(file: string): Contents {
  const catalog = lookInto(file);
  try {
    if (catalog === null || catalog.pragma("user_version", { simple: true }) === 0)
      return { originals: new Map(), sessions: [] };
    const rows = catalog.prepare("SELECT hash, path FROM original").all() as { hash: string; path: string }[];
    const sessions = catalog
      .prepare(
        `SELECT name, coalesce(shared_slug, slug) AS slug, volume, label, day FROM session
           WHERE id IN (SELECT session FROM original) ORDER BY id`,
      )
      .all();
    return { originals: new Map(rows.map(({ hash, path }) => [hash, path])), sessions };
  } finally {
    catalog?.close();
  }
}
