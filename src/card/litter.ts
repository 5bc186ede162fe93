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

/** Whether a file or folder of that name, one character a byte, was left by an operating system. `._IMG_1.JPG` is macOS's shadow of `IMG_1.JPG`. */
export function isLitter(name: string): boolean {
  // All of these are ASCII; FAT keeps the case of a name but does not care for it.
  return name.startsWith("._") || LITTER.has(name.toLowerCase());
}
