/** What operating systems leave on a card they looked at. `LOST.DIR` is none: Android puts rescued pictures there. */
const LITTER = new Set([
  ".trashes",
  ".spotlight-v100",
  ".fseventsd",
  ".ds_store",
  "system volume information",
  "$recycle.bin",
  "thumbs.db",
  "desktop.ini",
]);

/** Whether a file or folder of that name was left by an operating system. `._IMG_1.JPG` is macOS's shadow of `IMG_1.JPG`. */
export function isLitter(name: Uint8Array): boolean {
  if (name[0] === 0x2e && name[1] === 0x5f) return true;
  // All of these are ASCII; FAT keeps the case of a name but does not care for it.
  return LITTER.has(Buffer.from(name).toString("latin1").toLowerCase());
}
