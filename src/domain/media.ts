/** What a file is, as far as GhostRoll treats it differently. */
export type MediaKind = "picture" | "raw" | "heic" | "video" | "audio" | "sidecar" | "other";

export interface Media {
  readonly kind: MediaKind;
  /** What we serve it as. Never taken from the card, so that no file can pose as a page or a script. */
  readonly contentType: string;
}

const BINARY = "application/octet-stream";

// biome-ignore format: a table reads in columns
const BY_EXTENSION: Readonly<Record<string, Media>> = {
  ...kind("picture", "image/jpeg", "jpg jpeg jpe jfif"), ...kind("picture", "image/png", "png"),
  ...kind("picture", "image/tiff", "tif tiff"), ...kind("picture", "image/webp", "webp"), ...kind("picture", "image/avif", "avif"),
  ...kind("heic", "image/heic", "heic heif hif"),
  ...kind("raw", BINARY, "cr2 cr3 crw nef nrw arw sr2 srf dng raf rw2 orf pef srw 3fr fff iiq x3f erf mrw raw rwl kdc dcr mef mos"),
  ...kind("video", "video/mp4", "mp4 m4v"), ...kind("video", "video/quicktime", "mov qt"), ...kind("video", "video/mp2t", "mts m2ts ts"),
  ...kind("video", "video/x-msvideo", "avi"), ...kind("video", BINARY, "mxf 3gp insv crm braw r3d mpg mpeg wmv mkv"),
  ...kind("audio", BINARY, "wav mp3 m4a aac"),
  ...kind("sidecar", BINARY, "xmp thm xml ctg cpi mpl bdm lrv lrf srt aae pp3 dop"),
};

function kind(name: MediaKind, contentType: string, extensions: string): Record<string, Media> {
  return Object.fromEntries(
    extensions.split(" ").map((extension) => [extension, { kind: name, contentType }]),
  );
}

const OTHER: Media = { kind: "other", contentType: BINARY };

/** How many leading bytes `identify` looks at. */
export const SNIFF_BYTES = 32;

/**
 * What a file is: by its first bytes where they say it, else by its name. A TIFF container with the name of a RAW format
 * is that RAW (CR2, NEF, ARW, DNG and others are TIFF inside).
 */
export function identify(name: string, head: Uint8Array): Media {
  const named = mediaByName(name);
  const seen = byContent(head);
  if (seen === null) return named;
  if (seen.contentType === "image/tiff" && named.kind === "raw") return named;
  if (seen.kind === named.kind && named.contentType !== BINARY) return seen.kind === "video" ? named : seen;
  return seen;
}

/** What a name promises, before a byte is read. */
export function mediaByName(name: string): Media {
  const dot = name.lastIndexOf(".");
  return (dot < 0 ? undefined : BY_EXTENSION[name.slice(dot + 1).toLowerCase()]) ?? OTHER;
}

const media = (extension: string): Media => BY_EXTENSION[extension] ?? OTHER;

/** Magic numbers: the formats' own specifications; `ftyp` brands as registered at mp4ra.org. */
function byContent(head: Uint8Array): Media | null {
  const text = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  if (text.startsWith("\xff\xd8\xff")) return media("jpg");
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return media("png");
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return media("tif");
  if (text.startsWith("FUJIFILMCCD-RAW")) return media("raf");
  if (text.startsWith("IIU\0")) return media("rw2");
  if (text.startsWith("IIRO") || text.startsWith("IIRS")) return media("orf");
  if (text.startsWith("FOVb")) return media("x3f");
  if (text.startsWith("RIFF"))
    return { WEBP: media("webp"), "AVI ": media("avi"), WAVE: media("wav") }[text.slice(8, 12)] ?? null;
  return text.slice(4, 8) === "ftyp" ? byBrand(text.slice(8, 12)) : null;
}

function byBrand(brand: string): Media {
  if (brand === "avif" || brand === "avis") return media("avif");
  if (["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"].includes(brand)) return media("heic");
  if (brand === "crx ") return media("cr3");
  return brand === "qt  " ? media("mov") : media("mp4");
}

/** Whether guests see a tile for it. */
export function isShown(kindOfFile: MediaKind): boolean {
  return kindOfFile === "picture" || kindOfFile === "raw" || kindOfFile === "heic" || kindOfFile === "video";
}
