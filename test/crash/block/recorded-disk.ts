import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Filesystem, Mounted } from "../../support/mount.ts";
import { isMounted, makeImage, mountImage, run, unmount } from "../../support/mount.ts";
import { SECTOR_BYTES } from "./write-log.ts";

/** A disk that writes down everything the kernel sends to it, in order. */
export interface RecordedDisk {
  /** Where it is mounted, until it is released. */
  readonly root: string;
  /** What it was like before. */
  readonly image: string;
  readonly log: string;
  /** How long the log is at this moment. */
  logBytes(): number;
  release(): Promise<void>;
}

const START_TRIES = 200;
const START_EVERY_MS = 25;

/** Makes a disk in a folder of its own and mounts it: QEMU's log of writes behind FUSE, and a loop device on top. Root only. */
export async function recordedDisk(folder: string, filesystem: Filesystem): Promise<RecordedDisk> {
  const [image, written, log] = ["before.img", "written.img", "writes.log"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const [exported, root] = [join(folder, "exported"), join(folder, "disk")];
  await mkdir(root, { recursive: true });
  await makeImage(image, filesystem);
  run("cp", "--sparse=always", image, written);
  for (const file of [log, exported]) await writeFile(file, "");

  // Syncs of the host only cost time: its power is not cut.
  const file = (name: string, filename: string) =>
    JSON.stringify({ driver: "file", "node-name": name, filename, cache: { "no-flush": true } });
  const logging = { driver: "blklogwrites", "node-name": "recorded", file: "disk", log: "log" };
  const server = spawn(
    "qemu-storage-daemon",
    [
      "--blockdev",
      file("disk", written),
      "--blockdev",
      file("log", log),
      "--blockdev",
      JSON.stringify({ ...logging, "log-sector-size": SECTOR_BYTES }),
      "--export",
      `type=fuse,id=export,node-name=recorded,mountpoint=${exported},writable=on`,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  let mounted: Mounted | null = null;
  const release = async () => {
    await mounted?.release();
    mounted = null;
    server.kill("SIGTERM");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    await unmount(exported);
  };
  try {
    for (let tries = 1; !isMounted(exported); tries++) {
      if (tries === START_TRIES || server.exitCode !== null)
        throw new Error("qemu-storage-daemon does not serve");
      await delay(START_EVERY_MS);
    }
    mounted = await mountImage(exported, root);
    return { root, image, log, logBytes: () => statSync(log).size, release };
  } catch (error) {
    await release();
    throw error;
  }
}
