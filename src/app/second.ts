import { existsSync } from "node:fs";
import { areOnOtherDisks } from "../card/disks.ts";
import type { Settings } from "../config/slices.ts";
import type { Failure } from "../domain/failure.ts";
import type { SecondCopies } from "../ingest/ports.ts";
import type { SecondPorts } from "../ingest/second-copies.ts";
import { openSecondCopies } from "../ingest/second-copies.ts";
import { openSecondDisk } from "../library/second-disk.ts";
import { openWorkers } from "../workers/pool.ts";

export interface SecondOptions {
  readonly catalog: SecondPorts["catalog"];
  /** The whole environment of its worker process. */
  readonly env: Readonly<Record<string, string>>;
  /** How long a file may take. */
  readonly patienceFor: (file: { readonly sizeBytes: number }) => number;
  /** Hears what people should know: that it waits, goes on, or protects less than they may think. */
  readonly onSecond: (sentence: string, failure: Failure | null) => void;
}

const task = (path: string) => new URL(`../library/${path}`, import.meta.url);

/**
 * The second disk, when there is to be one. It has a worker process of its own, so that a hung disk holds up neither card nor
 * library. What has to be closed is added to `closing`.
 */
export async function openSecond(
  { library }: Settings,
  { catalog, env, patienceFor, onSecond }: SecondOptions,
  closing: (() => void | Promise<void>)[],
): Promise<SecondCopies | null> {
  const { secondDir, baseDir, reserveBytes } = library;
  if (secondDir === null) return null;
  if (existsSync(secondDir) && !(await areOnOtherDisks(secondDir, baseDir)))
    onSecond(
      `GHOSTROLL_SECOND_DIR (${secondDir}) is on the same disk as the library: what is copied there is lost with it, and does not count as a second copy.`,
      null,
    );
  const workers = openWorkers({ threads: 1, env });
  closing.push(workers.close);
  const copies = openSecondCopies({
    disk: openSecondDisk({
      folder: secondDir,
      root: baseDir,
      reserveBytes,
      copy: workers.task(task("second-task.ts"), patienceFor),
      hash: workers.task(task("hash-task.ts"), Number.POSITIVE_INFINITY),
      areOnOtherDisks,
    }),
    catalog,
    onWait: (failure) =>
      onSecond(
        failure === null
          ? "The second disk is there again: everything is copied."
          : `${failure.message} ${failure.policy.hint}`,
        failure,
      ),
  });
  closing.push(copies.close);
  return copies;
}
