import { openForReading, translated } from "./open.ts";
import { upkeep } from "./upkeep.ts";

/** Rows taken at once: no cursor stays open while files are looked at. */
const PAGE = 256;

/** A look at a catalog that another process may be writing to; `null` when there is none. Throws `catalog-*`. */
export function examineCatalog(path: string) {
  const connection = openForReading(path);
  if (connection === null) return null;
  const { originals, originalsAfter } = translated(path, () => upkeep(connection));
  const sessions = translated(path, () => connection.prepare("SELECT count(*) FROM session").pluck());
  return {
    /** What SQLite finds wrong with the file, or with what refers to what; none when it is sound. */
    problems: (): readonly string[] =>
      translated(path, () => {
        const integrity = connection.pragma("integrity_check(20)") as { integrity_check: string }[];
        const broken = connection.pragma("foreign_key_check") as { table: string; parent: string }[];
        return [
          ...integrity.map((row) => row.integrity_check).filter((said) => said !== "ok"),
          ...broken.slice(0, 20).map(({ table, parent }) => `a row of ${table} refers to no ${parent}`),
        ];
      }),
    counts: () => ({
      sessions: translated(path, () => Number(sessions.get())),
      ...translated(path, originals),
    }),
    /** Every original, in pages. */
    *originals() {
      for (let last = ""; ; ) {
        const page = translated(path, () => originalsAfter(last, PAGE));
        if (page.length === 0) return;
        yield page;
        last = page.at(-1)?.path ?? "";
      }
    },
    close: () => void connection.close(),
  };
}
