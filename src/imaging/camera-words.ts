/** Long enough for every lens in exiftool's tables; a gallery line breaks beyond it. */
const MAX_LENGTH = 80;

/** Words in EXIF's Make that nobody says: "NIKON CORPORATION", "LEICA CAMERA AG", "OLYMPUS OPTICAL CO.,LTD". */
const CORPORATE =
  /\b(corporation|corp|company|co|ltd|inc|ag|gmbh|imaging|optical|camera|digital|solutions)\b[.,]*/gi;

/**
 * A text from a stranger's file as it may be shown: control, invisible and direction-changing characters removed, spaces
 * collapsed, cut to a line. Null when nothing readable is left.
 */
export function shown(text: string): string | null {
  const clean = text
    .toWellFormed()
    .replace(/\p{Cf}/gu, "")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_LENGTH)
    .toWellFormed()
    .trim();
  return /[\p{L}\p{N}]/u.test(clean) ? clean : null;
}

/** Maker and model as people say them, the maker once: "NIKON CORPORATION", "NIKON D60" is "Nikon D60". */
export function cameraName(make: string, model: string): string | null {
  const maker = shown(make.replace(CORPORATE, " ").replace(/[ ,.]+/g, " "));
  const name = shown(model);
  if (maker === null || name === null) return name ?? maker;
  const brand = maker.split(" ").find((word) => name.toLowerCase().includes(word.toLowerCase()));
  return brand === undefined ? shown(`${calm(maker)} ${name}`) : name.replace(brand, calm(brand));
}

/** Shouted or whispered words as a name: "NIKON" is "Nikon"; short ones like "HTC" are meant that way. */
function calm(words: string): string {
  return words.replace(/[\p{L}\p{N}]+/gu, (word) =>
    word.length > 3 && (word === word.toUpperCase() || word === word.toLowerCase())
      ? `${word.slice(0, 1).toUpperCase()}${word.slice(1).toLowerCase()}`
      : word,
  );
}

interface Exposure {
  readonly seconds: number | null;
  readonly aperture: number | null;
  readonly focalMm: number | null;
  readonly iso: number | null;
}

/** `1/250 s · f/2.8 · 35 mm · ISO 400`; what a file does not say, or cannot be so, is left out. */
export function exposureText({ seconds, aperture, focalMm, iso }: Exposure): string | null {
  // Bounds: a night of star trails, pinhole cameras, the longest telescopes, the highest ISO any camera offers.
  const parts = [
    isWithin(seconds, 1e-6, 86_400) ? `${shutter(seconds)} s` : null,
    isWithin(aperture, 0.5, 512) ? `f/${round(aperture, 1)}` : null,
    isWithin(focalMm, 0.5, 10_000) ? `${round(focalMm, focalMm < 10 ? 1 : 0)} mm` : null,
    isWithin(iso, 1, 10_000_000) ? `ISO ${round(iso, 0)}` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(" · ");
}

/** Cameras write times below a third of a second as fractions, longer ones as decimals. */
function shutter(seconds: number): string {
  return seconds < 0.29 ? `1/${Math.round(1 / seconds)}` : round(seconds, 1);
}

function isWithin(value: number | null, low: number, high: number): value is number {
  return value !== null && value >= low && value <= high;
}

/** Rounded to so many decimals, without trailing zeros. */
function round(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}
