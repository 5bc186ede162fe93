import { constants } from "node:os";
import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";

const { EACCES, EDQUOT, EIO, ENODEV, ENOENT, ENOSPC, ENXIO, EPERM, EROFS } = constants.errno;

/** By number: Node has no name for EDQUOT and calls it UNKNOWN. */
const BY_NUMBER: ReadonlyMap<number, readonly [FailureCode, string]> = new Map([
  [ENOSPC, ["disk-full", "the disk is full"]],
  [EDQUOT, ["disk-full", "the quota of this user is used up"]],
  [EROFS, ["disk-unwritable", "the disk is mounted read-only"]],
  [EACCES, ["disk-unwritable", "this user may not do that"]],
  [EPERM, ["disk-unwritable", "this user may not do that"]],
  [EIO, ["disk-unwritable", "the disk reports an error"]],
  [ENXIO, ["disk-unwritable", "the disk is gone"]],
  [ENODEV, ["disk-unwritable", "the disk is gone"]],
  // Also what Node's recursive mkdir says when the disk refused a folder: it looks whether it is there, and reports that.
  [ENOENT, ["disk-unwritable", "a folder in it is missing"]],
]);

/** What an error of the filesystem means for us; anything unexpected is returned as it is: a bug. */
export function translateDiskError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || error instanceof Failure) return error;
  const { errno } = error as NodeJS.ErrnoException;
  const known = errno === undefined ? undefined : BY_NUMBER.get(Math.abs(errno));
  return known ? new Failure(known[0], `${doing}: ${known[1]}.`, { cause: error }) : error;
}
