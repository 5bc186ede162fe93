import { join } from "node:path";
import { encodeSegment } from "./object-key.ts";

/**
 * Where objects lie below the store's root. `a/b` and `a/b/c` can both be objects, so a file never has the bare name of
 * its last segment: a `@` follows, which no encoded segment contains. Percent signs become `=`: several servers decode the names of files they are given.
 *
 *   g/abc/v@.json         the record: what is served, and which body
 *   g/abc/v@4f1c…         a body; each put makes a new one under a random name
 *   g/abc/i.json@.json    …
 *
 * The record is replaced as a whole and points to a body that never changes. So at any instant, and after any crash, a
 * reader finds the old object with its headers or the new one with its own.
 */
export const RECORD = "@.json";

/** Headers and body of one object. */
export interface DirectoryRecord {
  /** Name of the body, beside the record. */
  readonly body: string;
  /** The body before this one: kept for one more put, for those who have read the old record but not opened it yet. */
  readonly previous: string | null;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly contentType: string;
  readonly contentEncoding: "gzip" | null;
  readonly cacheControl: string;
}

/** The path of a key without what follows the `@`; as a folder it holds the objects below the key. */
export function pathOf(root: string, key: string): string {
  return join(root, ...key.split("/").map((segment) => encodeSegment(segment).replaceAll("%", "=")));
}

/** The key of a record's path below the root, or null for any other file. */
export function keyOf(path: string): string | null {
  return path.endsWith(RECORD)
    ? decodeURIComponent(path.slice(0, -RECORD.length).replaceAll("=", "%"))
    : null;
}

/** A record as it was written, or null for anything else: then the object counts as missing and is put again. */
export function parseRecord(text: string): DirectoryRecord | null {
  try {
    const record = JSON.parse(text) as DirectoryRecord;
    return typeof record.body === "string" && Number.isInteger(record.sizeBytes) ? record : null;
  } catch {
    return null;
  }
}
