import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { parse } from "drivelist/js/lsblk/json.js";

/** What drivelist knows of a disk that sysfs does not: whether its slot is made for taking it out. */
export interface Drive {
  /** `sda`, `mmcblk0`. */
  readonly name: string;
  readonly isRemovable: boolean;
}

/** lsblk takes 4 ms; after five seconds it hangs with a sick device. */
const DEADLINE_MS = 5_000;
/**
 * Whole disks only, and no column about filesystems: for those lsblk asks every mounted one for its room, and a sick card does
 * not answer.
 */
const ARGUMENTS = "--bytes --all --json --paths --nodeps --output NAME,KNAME,RM,HOTPLUG,SUBSYSTEMS".split(
  " ",
);

const run = promisify(execFile);

/**
 * Asks lsblk for the disks and drivelist for what its answer means: `null` when it does not answer in time, is still busy with
 * an earlier question, fails or makes no sense. It is a help, never needed: mountinfo and sysfs say the rest.
 *
 * Only drivelist's reader of JSON is imported. Its `list` has no deadline, reads another format for the rest of its life after
 * one failed call, and its reader of that format never returns from a line without an equals sign.
 */
export function openDrives({ deadlineMs = DEADLINE_MS } = {}): () => Promise<Drive[] | null> {
  let isBusy = false;
  return async function listDrives() {
    if (isBusy) return null;
    isBusy = true;
    const answer = run("lsblk", ARGUMENTS, { timeout: deadlineMs, killSignal: "SIGKILL" })
      .then(({ stdout }) => drivesIn(stdout))
      .catch(() => null)
      .finally(() => {
        isBusy = false;
      });
    // A process that hangs in the kernel does not end when it is killed, and what it started may hold its output open.
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), deadlineMs);
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** drivelist calls whatever is virtual removable: compressed memory, and volumes of a disk that is not. */
function drivesIn(stdout: string): Drive[] {
  return parse(stdout).map(({ device, isRemovable, isVirtual }) => ({
    name: device.replace(/^\/dev\//, ""),
    isRemovable: isRemovable && isVirtual !== true,
  }));
}
