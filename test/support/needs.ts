import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs some tests need, and the Debian packages that bring them. */
const PACKAGES = {
  aws: "awscli",
  bsdtar: "libarchive-tools",
  busybox: "busybox-static",
  cc: "gcc libc6-dev",
  chromium: "chromium",
  cpio: "cpio",
  curl: "curl",
  depmod: "kmod",
  exiftool: "libimage-exiftool-perl",
  faketime: "faketime",
  git: "git",
  mcopy: "mtools",
  "mkfs.btrfs": "btrfs-progs",
  "mkfs.exfat": "exfatprogs",
  "mkfs.ext4": "e2fsprogs",
  "mkfs.vfat": "dosfstools",
  "mkfs.xfs": "xfsprogs",
  "mount.exfat-fuse": "exfat-fuse",
  python3: "python3",
  script: "bsdutils",
  radosgw: "radosgw ceph-mon ceph-osd ceph-common curl",
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-system-x86_64": "qemu-system-x86",
  sfdisk: "fdisk",
  shellcheck: "shellcheck",
  strace: "strace",
  "swift-proxy-server": "swift-proxy swift-account swift-container swift-object",
  "systemd-analyze": "systemd",
  "systemd-nspawn": "systemd-container",
  unzip: "unzip",
  udevadm: "udev",
  udisksctl: "udisks2",
  xfs_io: "xfsprogs",
  zbarimg: "zbar-tools",
} as const;

// Debian keeps some of them in folders that are only in root's path, and not in that of every shell.
process.env["PATH"] = [process.env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter);

/**
 * For `skip` of node:test: false when all programs are here, else a line that says what to install. In CI a missing one
 * fails instead, unless this is its run of what `npm test` does on a bare machine.
 */
export function lacks(...programs: readonly (keyof typeof PACKAGES)[]): string | false {
  const isBare = process.env["GHOSTROLL_TEST_BARE"] === "1";
  const missing = isBare ? programs : programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return false;
  const line = `needs: apt-get install --no-install-recommends ${missing.map((program) => PACKAGES[program]).join(" ")}`;
  if (!isBare && process.env["CI"] !== undefined) throw new Error(`CI ${line}`);
  return line;
}

/** The same for root, which mounts and attaches devices. In CI it must not be missing either. */
export function lacksRoot(): string | false {
  const isBare = process.env["GHOSTROLL_TEST_BARE"] === "1";
  if (process.getuid?.() === 0 && !isBare) return false;
  if (!isBare && process.env["CI"] !== undefined) throw new Error("CI needs root: mounting does.");
  return "needs root: mounting does";
}

/** The same for the kernel's loop devices, which a container may not have. */
export function lacksLoop(): string | false {
  if (existsSync("/dev/loop-control")) return false;
  if (process.env["CI"] !== undefined) throw new Error("CI needs loop devices.");
  return "needs loop devices: this kernel has none, or keeps them from this container";
}

function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}
