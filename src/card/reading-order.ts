import type { CardFile } from "../domain/card.ts";

/**
 * The order in which files are read: by modification time, so that a gallery grows as the day went; within one step of FAT's
 * two-second clock by DCF folder and file number (`100CANON/IMG_0001.JPG`; CIPA DC-009), else by the bytes of the path.
 */
export function inReadingOrder(files: readonly CardFile[]): CardFile[] {
  return files
    .map((file) => ({ file, dcf: dcfNumber(file.path) }))
    .sort(
      (a, b) =>
        a.file.modifiedMs - b.file.modifiedMs || a.dcf - b.dcf || Buffer.compare(a.file.path, b.file.path),
    )
    .map(({ file }) => file);
}

/** Folder number × 10,000 + file number; beyond every such number where the name is not DCF's. */
function dcfNumber(path: Uint8Array): number {
  const match = /(?:^|\/)(\d{3})\w{5}\/\w{4}(\d{4})\.\w+$/.exec(Buffer.from(path).toString("latin1"));
  return match === null ? 10_000_000 : Number(match[1]) * 10_000 + Number(match[2]);
}
