import { spawnSync } from "node:child_process";

/** What exiftool prints for these arguments; throws when it fails. */
export function exiftool(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("exiftool", args, { encoding: "utf8", maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`exiftool ${args.join(" ")}: ${stderr}`, { cause: error });
  return stdout;
}
