import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { watch as watchNames } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { FSWatcher } from "chokidar";
import { unescapeHex } from "./unescape.ts";

interface HintsOptions {
  /** Folders below which cards are mounted. */
  readonly mountRoots: readonly string[];
  /** Something may have changed, with the folder where it is known; never told after `close`. */
  readonly onHint: (target: string | null) => void;
  /** A block device has come: there may be a mount soon. */
  readonly onDevice?: () => void;
  /** The program that tells of mounts, and where devices are; others than those of this machine. */
  readonly findmnt?: string;
  readonly devices?: string;
  /** Until findmnt is started again, the first time; it doubles with each. */
  readonly restartMs?: number;
}

/** With the libmount of util-linux, `--poll` says one line a change within a millisecond, without root (findmnt(8)). */
const POLL = "--poll --kernel --raw --noheadings --output TARGET".split(" ");
/** One whose parent was killed finds out only when it has something to tell; so each ends by itself, and a new one is started. */
const LIFE_MS = 3_600_000;
const RESTART_MS = 1_000;
/** Without it a scan every two seconds goes on all the same. */
const RESTART_AT_MOST_MS = 300_000;
/** How often chokidar looks at the names in the mount roots. */
const LOOK_MS = 500;

/**
 * Says at once when something was mounted or unmounted, or a device came or went, so that the next scan need not be waited
 * for. A hint proves nothing, and none can be relied on: what is missing is done without. `close` ends it.
 */
export function openHints(options: HintsOptions): { close(): Promise<void> } {
  const { mountRoots, onHint, onDevice = () => {} } = options;
  const { findmnt = "findmnt", devices = "/dev", restartMs = RESTART_MS } = options;
  let isClosed = false;
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = restartMs;
  /** Only where findmnt cannot be had. */
  let names: Promise<FSWatcher> | null = null;
  const hint = (target: string | null = null) => {
    if (!isClosed) onHint(target);
  };

  follow();
  const nodes = watchDevices(devices, (name) => {
    hint();
    // The node of a device that has gone is gone, too. To ask for a node is not to open what it stands for.
    void lstat(join(devices, name)).then(
      (node) => {
        if (node.isBlockDevice() && !isClosed) onDevice();
      },
      () => {},
    );
  });
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      nodes?.close();
      child?.kill("SIGKILL");
      // What it has started may hold its output open.
      child?.stdout?.destroy();
      await (await names)?.close();
    },
  };

  function follow(): void {
    const startedMs = performance.now();
    const current = spawn(findmnt, [...POLL, "--timeout", String(LIFE_MS)], {
      stdio: ["ignore", "pipe", "ignore"],
      // In the process's own folder it would keep that from being unmounted.
      cwd: "/",
    });
    child = current;
    let isMissing = false;
    createInterface(current.stdout).on("line", (line) => hint(unescapeHex(line)));
    current.on("error", () => {
      // It could not be started: there is none, or no process can be had now.
      isMissing = current.pid === undefined;
      if (isMissing) goOn();
    });
    current.on("close", goOn);

    function goOn(): void {
      if (isClosed || child !== current) return;
      child = null;
      if (isMissing) names ??= watchFolders(mountRoots, hint);
      if (performance.now() - startedMs >= RESTART_AT_MOST_MS) waitMs = restartMs;
      timer = setTimeout(follow, waitMs).unref();
      waitMs = Math.min(waitMs * 2, RESTART_AT_MOST_MS);
      // What happened meanwhile was not told.
      hint();
    }
  }
}

/** devtmpfs tells of device nodes that come and go, also where no udev runs; that is before anybody can mount them. */
function watchDevices(folder: string, onName: (name: string) => void): { close(): void } | null {
  try {
    const watcher = watchNames(folder, { persistent: false }, (kind, name) => {
      if (kind === "rename") onName(name ?? "");
    });
    return watcher.on("error", () => watcher.close());
  } catch {
    return null;
  }
}

/** Polling, because inotify does not see mounts; depth 0: the folders' names, nothing on the cards. Loaded only here: 2 MB. */
async function watchFolders(folders: readonly string[], hint: () => void): Promise<FSWatcher> {
  const { watch } = await import("chokidar");
  const watcher = watch([...folders], { usePolling: true, interval: LOOK_MS, depth: 0, ignoreInitial: true });
  return watcher.on("all", () => hint()).on("error", () => {});
}
