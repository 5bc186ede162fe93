/** What the kernel says once the device below a file is gone: pulled, its reader reset, its FUSE server dead or aborted. */
const GONE = new Set(["ENODEV", "ENXIO", "ENOMEDIUM", "ENOTCONN", "ECONNABORTED", "ESHUTDOWN"]);

/** Whether a file error says that the whole device is gone. A pulled FAT card does not say so: it looks empty. */
export function isDeviceGone(error: unknown): boolean {
  return GONE.has(codeOf(error) ?? "");
}

/** The code of a system error, `null` for any other error. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("errno" in error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** Linux's EDQUOT, for which libuv has no name: it arrives with the code `UNKNOWN` (errno(3)). */
const EDQUOT = -122;

/** These say something of this process, or of a wrong call: out of descriptors or memory, a bug. */
const NOT_THE_DISK = new Set(["EMFILE", "ENFILE", "ENOMEM", "EINVAL", "EBADF"]);

const IN_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EROFS: "the disk is mounted read-only",
  EACCES: "this user may not do that",
  EPERM: "this user may not do that",
  EIO: "the disk reports an error",
  ENXIO: "the disk is gone",
  ENODEV: "the disk is gone",
  // Also what Node's recursive mkdir says when the disk refused a folder: it looks whether it is there, and reports that.
  ENOENT: "a folder in it is missing",
  ENOTDIR: "a file is in the place of a folder",
};

/** What an error of the filesystem says of the disk it came from, and in words; `null` when it says nothing of a disk. */
export function diskTrouble(
  error: unknown,
): { readonly code: "disk-full" | "disk-unwritable"; readonly words: string } | null {
  const code = codeOf(error);
  if (code === null || NOT_THE_DISK.has(code)) return null;
  if ((error as { errno?: unknown }).errno === EDQUOT)
    return { code: "disk-full", words: "the quota of this user is used up" };
  const words = IN_WORDS[code] ?? `the disk refuses it (${code})`;
  return { code: code === "ENOSPC" ? "disk-full" : "disk-unwritable", words };
}
