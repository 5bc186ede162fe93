import type { WalkedFile } from "./walk.ts";

/**
 * The order in which files are read: by modification time, so that a gallery grows as the day went; within one step of FAT's
 * two-second clock by DCF folder and file number (`100CANON/IMG_0001.JPG`; CIPA DC-009), else by the bytes of the path.
 */
export function inReadingOrder(files: readonly WalkedFile[]): WalkedFile[] {
  return files
    .map((file) => ({ file, dcf: dcfNumber(file.key) }))
    .sort(
      (a, b) => a.file.modifiedMs - b.file.modifiedMs || a.dcf - b.dcf || (a.file.key < b.file.key ? -1 : 1),
    )
    .map(({ file }) => file);
}

/** Folder number × 10,000 + file number; beyond every such number where the name is not DCF's. */
function dcfNumber(key: string): number {
  const match = /(?:^|\/)(\d{3})\w{5}\/\w{4}(\d{4})\.\w+$/.exec(key);
  return match === null ? 10_000_000 : Number(match[1]) * 10_000 + Number(match[2]);
}
