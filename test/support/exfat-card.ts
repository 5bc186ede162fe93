import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** An exFAT filesystem in an image, mounted through a server that can be killed: a card that can be pulled. Root only. */
export interface ExfatCard {
  /** Where it is mounted. */
  readonly root: string;
  insert(how: "ro" | "rw"): Promise<void>;
  /** Bytes its server has read from the medium since the card was inserted. */
  bytesRead(): Promise<number>;
  /** Kills the server: from now on every call says ENOTCONN, and the mount stays behind, as it does when a card is pulled. */
  pull(): Promise<void>;
  /** Stops its server: every call waits, and whoever waits cannot be killed, until `answer` or `pull`. */
  hang(): void;
  answer(): void;
  /** Takes away what is mounted, dead or alive. */
  eject(): void;
}

const CALL_MS = 5_000;

/** Makes an empty card; on the test's end nothing of it is left mounted or attached. */
export async function exfatCard(
  test: { after(run: () => Promise<void>): void },
  sizeBytes: number,
): Promise<ExfatCard> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-exfat-"));
  const [image, root] = [join(folder, "card.img"), join(folder, "card")];
  await mkdir(root);
  await writeFile(image, "");
  await truncate(image, sizeBytes);
  execFileSync("mkfs.exfat", [image], { stdio: "ignore" });
  let device: string | null = null;
  let server: number | null = null;

  const signal = (name: NodeJS.Signals) => {
    if (server === null) throw new Error("there is no card");
    process.kill(server, name);
  };
  const eject = () => {
    // A server that is stopped would hold up the unmount, and everybody who waits for it.
    if (server !== null && existsSync(`/proc/${server}`)) signal("SIGCONT");
    if (isMounted(root)) execFileSync("umount", ["-l", root]);
    if (device !== null) execFileSync("losetup", ["-d", device]);
    [device, server] = [null, null];
  };
  test.after(async () => {
    eject();
    await rm(folder, { recursive: true });
  });

  return {
    root,
    eject,
    async insert(how) {
      device = execFileSync("losetup", ["-f", "--show", ...(how === "ro" ? ["-r"] : []), image], {
        encoding: "utf8",
      }).trim();
      // A loop device stays read-only once a card was mounted from it (`systemd/mount-card`).
      if (how !== "ro") execFileSync("blockdev", ["--setrw", device]);
      execFileSync("mount.exfat-fuse", ["-o", how, device, root], { stdio: "ignore" });
      if (!isMounted(root)) throw new Error(`${root} is not mounted`);
      server = await serverOf(device);
    },
    hang: () => signal("SIGSTOP"),
    answer: () => signal("SIGCONT"),
    async bytesRead() {
      const io = await readFile(`/proc/${server}/io`, "utf8").catch(() => "");
      return Number(/^rchar: (\d+)/m.exec(io)?.[1] ?? 0);
    },
    async pull() {
      if (server === null) throw new Error("there is no card to pull");
      process.kill(server, "SIGKILL");
      const untilMs = performance.now() + CALL_MS;
      while ((await readdir(root).catch((error: NodeJS.ErrnoException) => error.code)) !== "ENOTCONN") {
        if (performance.now() > untilMs) throw new Error("the card still answers");
        await delay(5);
      }
    },
  };
}

/** Asked of the kernel: a dead server's mount is no folder any more. */
function isMounted(root: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${root} `);
}

/** The process that serves a device: it has put itself into the background. */
async function serverOf(device: string): Promise<number> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const words = line.split("\0");
    if (words[0]?.endsWith("mount.exfat-fuse") && words.includes(device)) return Number(pid);
  }
  throw new Error(`no server serves ${device}`);
}
