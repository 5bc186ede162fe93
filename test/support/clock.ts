import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Environment in which a process sees another time, by libfaketime: `{ FAKETIME: "@1970-01-01 00:05:00" }`, or with the path of a
 * file in `FAKETIME_TIMESTAMP_FILE` whatever that says at the moment. The clock that timers count by stays what it is, and so do
 * the times of files. Our workers, whose environment is made for them, keep the right time.
 */
export function clock(shows: Readonly<Record<string, string>>): Record<string, string> {
  const library = readdirSync("/usr/lib")
    .map((folder) => join("/usr/lib", folder, "faketime/libfaketimeMT.so.1"))
    .find((path) => existsSync(path));
  assert.ok(library, "faketime is installed without its library");
  return {
    LD_PRELOAD: library,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    NO_FAKE_STAT: "1",
    FAKETIME_CACHE_DURATION: "1",
    ...shows,
  };
}
