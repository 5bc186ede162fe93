import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runOnHost } from "./images.ts";
import type { Journal } from "./journal.ts";
import { openJournal } from "./journal.ts";
import type { Lines } from "./lines.ts";
import { openLines } from "./lines.ts";
import type { Monitor } from "./qmp.ts";
import { openMonitor } from "./qmp.ts";

/** A machine with Debian's kernel, its systemd and udev, and USB and SD sockets, on this machine's own files. */
export interface Guest {
  readonly accelerator: Accelerator;
  readonly journal: Journal;
  readonly monitor: Monitor;
  /** Runs a script as root and returns what it printed, trimmed. Throws when it fails or takes too long. */
  run(script: string, withinMs?: number): Promise<string>;
  close(): Promise<void>;
}

type Accelerator = "kvm" | "tcg";

/** What it has from its start, as files of this machine. */
interface Disks {
  /** ext4 with the label `library`: where the library is. */
  readonly library: string;
  readonly swap: string;
  /** A stick that is in /etc/fstab: ext4 with the label `other`. */
  readonly other: string;
}

const CHECKOUT = join(import.meta.dirname, "../..");
const KERNEL = join(CHECKOUT, ".cache/guest/vmlinuz");

/** Without KVM the kernel takes 3 s to its first process; some machines have a /dev/kvm on which it gets nowhere. */
const SIGN_OF_LIFE_MS = { kvm: 15_000, tcg: 300_000 } as const;
/** All of a test with a guest of its own: some two minutes without KVM, and five times that on a machine that is busy. */
export const GUEST_MS = 1_200_000;
const BOOT_MS = 600_000;
const SCRIPT_MS = 300_000;

/** What it takes, for `lacks` of `support/needs.ts`. */
export const GUEST_PROGRAMS = [
  "qemu-system-x86_64",
  "busybox",
  "cpio",
  "depmod",
  "mcopy",
  "mkfs.vfat",
  "mkfs.exfat",
  "mkfs.ext4",
  "sfdisk",
  "udevadm",
  "curl",
] as const;

/** The same for the kernel. */
export function lacksKernel(): string | false {
  if (process.arch !== "x64") return "the guest is a PC, too slow on anything else";
  if (existsSync(KERNEL)) return false;
  const line = "needs a kernel for the guest: sh test/guest/fetch-kernel.sh";
  if (process.env["CI"] !== undefined) throw new Error(`CI ${line}`);
  return line;
}

/** Boots it, in a folder of its own. Nothing of it is left after `close`. */
export async function bootGuest(folder: string, disks: Disks): Promise<Guest> {
  await runOnHost("sh", join(import.meta.dirname, "make-initramfs.sh"), join(folder, "initramfs"));
  const console = join(folder, "console");
  for (const accelerator of existsSync("/dev/kvm") ? (["kvm", "tcg"] as const) : (["tcg"] as const)) {
    const log = await open(console, "w");
    const qemu = spawn("qemu-system-x86_64", machine(accelerator, folder, disks), {
      stdio: ["ignore", log.fd, log.fd],
    });
    await log.close();
    const ended = once(qemu, "exit");
    const stop = async () => {
      qemu.kill("SIGKILL");
      await ended;
    };
    try {
      if (await showsLife(console, SIGN_OF_LIFE_MS[accelerator], () => qemu.exitCode !== null))
        return await talkTo(folder, accelerator, stop);
    } catch (error) {
      await stop();
      throw error;
    }
    await stop();
  }
  throw new Error(`the guest did not start:\n${await readFile(console, "utf8")}`);
}

function machine(accelerator: Accelerator, folder: string, { library, swap, other }: Disks): string[] {
  const socket = (name: string) => `socket,id=${name},path=${join(folder, name)},server=on,wait=off`;
  // One nanosecond for each instruction: on the guest's clock it is a machine of one GHz, however busy this one is.
  const tcg = { "-accel": "tcg", "-cpu": "max", "-smp": "1", "-icount": "shift=0" };
  const kvm = { "-accel": "kvm", "-cpu": "host", "-smp": "2" };
  const options: readonly (readonly [string, string])[] = [
    ...Object.entries(accelerator === "tcg" ? tcg : kvm),
    ["-M", "q35"],
    ["-m", "2048"],
    ["-rtc", "base=utc"],
    ["-display", "none"],
    ["-serial", "stdio"],
    ["-kernel", KERNEL],
    ["-initrd", join(folder, "initramfs")],
    [
      "-append",
      `console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off systemd.unit=guest.target checkout=${CHECKOUT}`,
    ],
    ["-fsdev", "local,id=machine,path=/,security_model=none,readonly=on,multidevs=remap"],
    ["-device", "virtio-9p-pci,fsdev=machine,mount_tag=machine"],
    ["-drive", `if=virtio,format=raw,file=${library}`],
    ["-drive", `if=virtio,format=raw,file=${swap}`],
    ["-chardev", socket("monitor")],
    ["-mon", "chardev=monitor,mode=control"],
    ["-device", "virtio-serial-pci"],
    ["-chardev", socket("agent")],
    ["-device", "virtserialport,chardev=agent,name=agent"],
    ["-chardev", socket("journal")],
    ["-device", "virtserialport,chardev=journal,name=journal"],
    ["-device", "qemu-xhci,id=usb"],
    ["-drive", `if=none,id=other,format=raw,file=${other}`],
    ["-device", "usb-storage,bus=usb.0,drive=other,removable=on,serial=OTHER"],
    // A card reader and an SD slot, both empty.
    ["-drive", "if=none,id=reader"],
    ["-device", "usb-storage,bus=usb.0,drive=reader,removable=on,serial=READER"],
    ["-drive", "if=none,id=slot"],
    ["-device", "sdhci-pci"],
    ["-device", "sd-card,drive=slot"],
  ];
  return ["-nodefaults", "-no-reboot", ...options.flat()];
}

/** Whether its first process has come to say something. */
async function showsLife(console: string, withinMs: number, hasEnded: () => boolean): Promise<boolean> {
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(50)) {
    if ((await readFile(console, "utf8")).includes("guest: up")) return true;
    if (hasEnded()) return false;
  }
  return false;
}

async function talkTo(folder: string, accelerator: Accelerator, stop: () => Promise<void>): Promise<Guest> {
  const journal = openJournal();
  const answers = new Map<number, (answer: { status: number; said: string }) => void>();
  const isUp = new Promise((resolve) => answers.set(0, resolve));
  let last = 0;
  const opened: (Lines | Monitor)[] = [];
  const agent = await openLines(join(folder, "agent"), (line) => {
    const [number = "", status = "", said = ""] = line.split(" ");
    const text = Buffer.from(said, "base64").toString().trim();
    answers.get(Number(number))?.({ status: Number(status), said: text });
    answers.delete(Number(number));
  });
  const monitor = await openMonitor(join(folder, "monitor"));
  opened.push(agent, monitor, await openLines(join(folder, "journal"), journal.hear));
  const within = async <T>(work: Promise<T>, ms: number, what: string): Promise<T> => {
    const over = new AbortController();
    const late = delay(ms, null, { signal: over.signal }).then(async () => {
      throw new Error(`${what} took more than ${ms} ms:\n${await readFile(join(folder, "console"), "utf8")}`);
    });
    late.catch(() => {});
    return Promise.race([work, late]).finally(() => over.abort());
  };
  await within(isUp, BOOT_MS, "booting");
  return {
    accelerator,
    journal,
    monitor,
    async run(script, withinMs = SCRIPT_MS) {
      const number = ++last;
      const answer = new Promise<{ status: number; said: string }>((resolve) => answers.set(number, resolve));
      agent.send(`${number} ${Buffer.from(script).toString("base64")}`);
      const { status, said } = await within(answer, withinMs, script);
      if (status !== 0) throw new Error(`\`${script}\` ended with ${status}:\n${said}`);
      return said;
    },
    async close() {
      for (const each of opened) each.close();
      await stop();
    },
  };
}
