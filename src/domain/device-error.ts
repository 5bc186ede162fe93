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
