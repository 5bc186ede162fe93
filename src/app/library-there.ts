import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { examineCatalog } from "../catalog/examine.ts";
import type { Settings } from "../config/slices.ts";
import { count } from "../domain/amounts.ts";
import { Failure } from "../domain/failure.ts";

/**
 * Returns if there is a library where the settings say. Throws `usage` otherwise: only what takes pictures in may make one, since
 * an empty one in a mistyped place would answer that all is well.
 */
export function assertLibrary(settings: Settings): void {
  assertFolder(settings);
  const { baseDir, dbPath } = settings.library;
  const isThere = existsSync(baseDir) && (existsSync(dbPath) || existsSync(join(baseDir, "originals")));
  if (!isThere) throw noLibrary(settings, "There is no library");
}

/** Returns if a library is there or could be. Throws `usage` when a file is in its place. */
export function assertFolder(settings: Settings): void {
  const { baseDir } = settings.library;
  if (existsSync(baseDir) && !statSync(baseDir).isDirectory())
    throw noLibrary(settings, "A file cannot be a library, but one is");
}

/**
 * Returns unless the catalog knows of originals whose folder is not there: an empty one where a disk should be mounted is no
 * library, and cards would be copied onto another disk. Throws `library-missing`, `catalog-*`.
 */
export function assertOriginals({ baseDir, dbPath }: Settings["library"]): void {
  const originals = join(baseDir, "originals");
  if (existsSync(originals)) return;
  const catalog = examineCatalog(dbPath);
  const kept = catalog?.counts().originals ?? 0;
  catalog?.close();
  if (kept > 0)
    throw new Failure(
      "library-missing",
      `${originals} is not there, but ${dbPath} knows of ${count(kept, "original")} in it; is its disk mounted?`,
    );
}

const NAMED_BY = {
  flag: "as --base-dir says",
  environment: "as GHOSTROLL_BASE_DIR in the environment says",
  ".env": "as GHOSTROLL_BASE_DIR in a file of settings says",
  profile: "as the profile says",
  default: "where it is unless --base-dir or GHOSTROLL_BASE_DIR says otherwise",
} as const;

function noLibrary({ library, origins }: Settings, what: string): Failure {
  return new Failure(
    "usage",
    `${what} in ${library.baseDir}, ${NAMED_BY[origins.BASE_DIR]}. \`ghostroll ingest\` and \`watch\` make one.`,
  );
}
