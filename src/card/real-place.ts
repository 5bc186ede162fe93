import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Where a path leads, symbolic links resolved as far as it exists. May never answer where a disk hangs. */
export async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path === dirname(path) ? path : join(await realPlace(dirname(path)), basename(path));
  }
}

/** Whether one of two real paths is the other one, or lies in it. */
export function overlaps(one: string, other: string): boolean {
  return one === other || isBelow(one, other) || isBelow(other, one);
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
