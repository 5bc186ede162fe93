/** The kernel writes space, tab, newline, backslash and `#` as three octal digits (proc_pid_mountinfo(5)). */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** udev and findmnt write bytes that do not fit a name or a line as `\x20` (libblkid, blkid_encode_string). */
export function unescapeHex(text: string): string {
  const bytes = text.replace(/%/g, "%25").replace(/\\x([0-9a-f]{2})/gi, "%$1");
  try {
    return decodeURIComponent(bytes);
  } catch {
    return text;
  }
}
