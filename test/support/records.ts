import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type Database from "better-sqlite3";
import { RECORDS, sessionFolder } from "../../src/domain/layout.ts";
import { parseManifest } from "../../src/domain/manifest.ts";
import { parseSessionRecord } from "../../src/domain/session-record.ts";

interface SessionRow {
  readonly id: number;
  readonly name: string;
  readonly day: string;
  readonly slug: string;
  readonly is_offloaded: number;
}

interface Kept {
  readonly hash: string;
  readonly path: string;
}

/**
 * What outlives a catalog and must hold at any moment: a session that keeps something has a `session.json` that can be read and
 * names its gallery; one that is offloaded has all its files in there, and a `SHA256SUMS` that lists what its rows say.
 */
export async function assertRecords(base: string, catalog: Database.Database): Promise<void> {
  const sessions = catalog
    .prepare("SELECT id, name, day, coalesce(shared_slug, slug) AS slug, is_offloaded FROM session")
    .all() as SessionRow[];
  const originals = catalog.prepare("SELECT hash, path FROM original WHERE session = ?");
  const elsewhere = catalog.prepare("SELECT 1 FROM original WHERE hash = ? AND session <> ?");
  const files = catalog
    .prepare("SELECT count(*) FROM card_file WHERE session = ? AND state <> 'found'")
    .pluck();
  for (const { id, name, slug, day, is_offloaded } of sessions) {
    const folder = sessionFolder({ day, name });
    const kept = originals.all(id) as Kept[];
    const isOffloaded = is_offloaded === 1;
    if (kept.length === 0 && !isOffloaded) continue;
    const text = await textOf(join(base, folder, RECORDS.session));
    const record = parseSessionRecord(text ?? "");
    assert.ok(record, `${folder} has no ${RECORDS.session} that can be read: ${text?.slice(0, 200)}`);
    assert.deepEqual(
      [record.session.name, record.session.slug],
      [name, slug],
      `${RECORDS.session} of ${name}`,
    );
    if (!isOffloaded) continue;
    assert.equal(
      record.session.isOffloaded,
      true,
      `${name} is offloaded, and its ${RECORDS.session} is older`,
    );
    assert.equal(record.files.length, files.get(id), `files in ${RECORDS.session} of ${name}`);
    const sums = parseManifest((await textOf(join(base, folder, RECORDS.sums))) ?? "");
    // What was healed by a later session has its row there, and stays in the list of where it was kept first.
    const listed = sums.flatMap(({ hash, path }) =>
      elsewhere.get(hash, id) === undefined ? [`${hash} ${folder}/${path}`] : [],
    );
    const rows = kept.map(({ hash, path }) => `${hash} ${path}`);
    assert.deepEqual(
      listed.toSorted(),
      rows.toSorted(),
      `${RECORDS.sums} of ${name} is not what its rows say`,
    );
  }
}

/**
 * Each row of a second copy says what is on the disk that was last seen in its folder, and so does the list beside it. Returns
 * how many there are.
 */
export async function assertSecondCopies(catalog: Database.Database): Promise<number> {
  const copies = catalog
    .prepare(
      `SELECT folder, second_copy.hash, second_copy.path, name, day FROM second_copy
         JOIN second_disk ON second_disk.id = disk JOIN original USING (hash) JOIN session ON session.id = session`,
    )
    .all() as (Kept & { readonly folder: string; readonly name: string; readonly day: string })[];
  const lists = new Map<string, ReadonlySet<string>>();
  // A disk that another one has taken the folder of is known by its name alone.
  const there = copies.filter(({ folder }) => isAbsolute(folder));
  for (const { folder, hash, path, name, day } of there) {
    assert.equal(await hashOf(join(folder, path)), hash, `the row of the second copy of ${path} lies`);
    const session = sessionFolder({ day, name });
    if (!path.startsWith(`${session}/`)) continue;
    const at = join(folder, session, RECORDS.sums);
    const list = lists.get(at) ?? new Set((await textOf(at))?.split("\n"));
    lists.set(at, list);
    const line = `${hash}  ${path.slice(session.length + 1)}`;
    assert.ok(list.has(line), `${at} lacks a copy that has a row: ${line}`);
  }
  return there.length;
}

async function hashOf(file: string): Promise<string | null> {
  const bytes = await readFile(file).catch(() => null);
  return bytes === null ? null : createHash("sha256").update(bytes).digest("hex");
}

const textOf = async (file: string): Promise<string | null> => readFile(file, "utf8").catch(() => null);
