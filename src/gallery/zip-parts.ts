import { createHash } from "node:crypto";
import type { GalleryItem, ZipPart } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { Session } from "../domain/session.ts";
import { picturesOf } from "./photo.ts";
import { MAX_ENTRIES, sizeInZip, zipSize } from "./zip.ts";

/** Phones and the Wi-Fi of guests break off larger downloads; and a zip of this size needs no ZIP64. */
export const ZIP_BYTES = 1_000_000_000;

/** One picture is saved as it is. */
const FEWEST_PICTURES = 2;

/**
 * The zips of a gallery: every picture as guests see it, in capture order, none of them larger than `limitBytes` unless one
 * picture is. A key says all that is in it, so that a zip under the same key has the same bytes.
 */
export function planZips(
  { slug, label, day }: Pick<Session, "slug" | "label" | "day">,
  items: readonly GalleryItem[],
  limitBytes: number,
): ZipPart[] {
  const digits = Math.max(4, String(items.length).length);
  const entries = items.flatMap((item, position) => {
    const share = picturesOf(item)?.share;
    if (share === undefined) return [];
    const name = `${String(position + 1).padStart(digits, "0")}_${portableStem(item.name)}.jpg`;
    return [
      {
        name,
        hash: item.hash,
        rendition: share,
        sizeBytes: share.sizeBytes,
        modifiedMs: item.capture.takenMs,
      },
    ];
  });
  if (entries.length < FEWEST_PICTURES) return [];
  const lists = split(entries, limitBytes);
  return lists.map((list, index) => {
    const part = lists.length === 1 ? "" : `-${index + 1}-of-${lists.length}`;
    const key = keys.zip(slug, listHash(list), `${fileStem(label, day)}${part}.zip`);
    return { key, sizeBytes: zipSize(list), entries: list };
  });
}

type Entry = ZipPart["entries"][number];

function split(entries: readonly Entry[], limitBytes: number): Entry[][] {
  const lists: Entry[][] = [];
  let [list, sizeBytes]: [Entry[], number] = [[], zipSize([])];
  for (const entry of entries) {
    const more = sizeInZip(entry);
    if (list.length > 0 && (sizeBytes + more > limitBytes || list.length === MAX_ENTRIES)) {
      lists.push(list);
      [list, sizeBytes] = [[], zipSize([])];
    }
    list.push(entry);
    sizeBytes += more;
  }
  return [...lists, list];
}

/** Changes whenever a zip of these would have other bytes; 128 bits, since the store is trusted to hold what its key says. */
function listHash(entries: readonly Entry[]): string {
  const list = entries.map(({ name, rendition, modifiedMs }) => [name, rendition.sha256, modifiedMs]);
  return createHash("sha256").update(JSON.stringify(list)).digest("hex").slice(0, 32);
}

/** Long enough for any camera's name; with number and extension it stays below what encrypted folders take (143 bytes). */
const STEM_BYTES = 100;

/**
 * The name of a file without its extension, as every system can write it: composed as phones and PCs write accents, without
 * what Windows refuses or what turns the direction of a line around. The number before it keeps it unique, and makes it
 * neither hidden nor one of Windows' devices.
 */
function portableStem(name: string): string {
  const stem = name
    .replace(/\.[^.]*$/, "")
    .toWellFormed()
    .normalize("NFC")
    .replace(/[<>:"/\\|?*\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, "_");
  let kept = "";
  for (const character of stem) {
    if (Buffer.byteLength(kept + character) > STEM_BYTES) break;
    kept += character;
  }
  return kept.trim() || "photo";
}

/** What the downloaded file is called; part of an address, so of letters and digits only. */
function fileStem(label: string, day: string): string {
  const words = label
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .match(/[A-Za-z0-9]+/g) ?? ["photos"];
  const name = words.join("-").slice(0, 40);
  return /^\d/.test(day) ? `${name}-${day}` : name;
}
