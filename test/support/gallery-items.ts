import { createHash } from "node:crypto";
import type { Gallery, GalleryItem } from "../../src/domain/gallery.ts";
import type { ContentHash } from "../../src/domain/hash.ts";
import type { PresetName, Rendition } from "../../src/domain/rendition.ts";

export const sha256 = (text: string | Uint8Array): ContentHash =>
  createHash("sha256").update(text).digest("hex") as ContentHash;

/** Shapes as cameras make them: mostly 3:2, some upright, a 16:9, a 4:3, a panorama wider than any tile. */
const SHAPES = [
  [2048, 1365], [2048, 1365], [1365, 2048], [2048, 1365], [2048, 1152], [2048, 1365], [1536, 2048], [2048, 1365],
  [2048, 1365], [1365, 2048], [2048, 1536], [2048, 1365], [2048, 420],
] as const; // biome-ignore format: a table reads in columns

export const SLUG = "aBcDeFgHiJkLmNoPqRsTuV";
const START_MS = Date.UTC(2026, 10, 14, 10);

/** Photo number `n` of a day of photos: seven seconds apart, with a pause of three hours after every 150. */
export function photo(n: number, changes: Partial<GalleryItem> = {}): GalleryItem {
  const [width, height] = SHAPES[n % SHAPES.length] ?? SHAPES[0];
  const takenMs = START_MS + n * 7000 + Math.floor(n / 150) * 3 * 3_600_000;
  return {
    hash: sha256(`photo ${n}`),
    kind: "picture",
    name: `DSC_${String(n + 1).padStart(4, "0")}.JPG`,
    capture: {
      takenMs,
      offsetMinutes: null,
      takenFrom: "exif",
      camera: "NIKON Z 6_2",
      lens: "NIKKOR Z 24-70mm f/2.8 S",
      exposure: `1/${[250, 320, 60][n % 3]} s · f/${[2.8, 4][n % 2]} · ${24 + ((n * 7) % 46)} mm · ISO ${[100, 800][n % 2]}`,
    },
    color: sha256(`color ${n}`).slice(0, 6),
    note: null,
    renditions: [
      rendition("share", width, height),
      rendition("thumb", Math.round((400 * width) / 2048), Math.round((400 * height) / 2048)),
    ],
    ...changes,
  };
}

function rendition(preset: PresetName, width: number, height: number): Rendition {
  return { preset, width, height, sizeBytes: 1000, sha256: sha256(preset) };
}

/** A gallery of so many photos. */
export function galleryOf(count: number, changes: Partial<Gallery> = {}): Gallery {
  const items = changes.items ?? Array.from({ length: count }, (_, n) => photo(n));
  return {
    slug: SLUG,
    shared: null,
    title: "Anna & Ben",
    state: "complete",
    items,
    expected: items.length,
    preview: null,
    availableUntilMs: Date.UTC(2026, 8, 26, 12),
    zips: [],
    ...changes,
  };
}
