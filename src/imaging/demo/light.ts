import { mix, type Random } from "./random.ts";

/** A place to draw: pixels across and down. */
export interface Frame {
  readonly width: number;
  readonly height: number;
}

/** A time of day as colors, `#rrggbb`. */
export interface Light {
  /** From the zenith to the horizon. */
  readonly sky: readonly [string, string, string];
  readonly sun: string;
  readonly cloud: string;
  /** What the air adds to far things. */
  readonly haze: string;
  readonly near: string;
  readonly isNight: boolean;
}

const light = (
  sky: Light["sky"],
  sun: string,
  cloud: string,
  haze: string,
  near: string,
  isNight = false,
): Light => ({ sky, sun, cloud, haze, near, isNight });

// biome-ignore format: a table reads in columns
export const LIGHTS = {
  dawn:    light(["#39507f", "#c78a9b", "#ffd9a8"], "#fff3d6", "#ffc7b0", "#d9a5a0", "#1d2233"),
  noon:    light(["#2f74c0", "#6fb0e6", "#d5ecf8"], "#ffffff", "#ffffff", "#a9cbe0", "#1f3b2d"),
  gold:    light(["#4a6f9c", "#e7a860", "#ffe0a0"], "#fff6d0", "#ffd9a0", "#dfa56a", "#2a1c14"),
  red:     light(["#2b2447", "#b33f4e", "#ff9a4d"], "#ffe9b8", "#f26a5a", "#a8505a", "#160f1c"),
  mist:    light(["#8fa3ad", "#b9c7cb", "#e3e8e6"], "#fbfaf2", "#f2f4f3", "#c4d0d0", "#25383a"),
  teal:    light(["#0f4c5c", "#4f9d9a", "#e8e0b5"], "#fffbe0", "#cfe8da", "#7fb3a8", "#0c2529"),
  violet:  light(["#241b4d", "#6a4c93", "#f2a7b8"], "#ffe6ec", "#c99bc9", "#8d6fa8", "#140f2b"),
  night:   light(["#050818", "#0d1a3a", "#23406b"], "#f4f1df", "#2b3f66", "#1f3558", "#03060f", true),
  arctic:  light(["#02101c", "#062b3a", "#12525a"], "#e8fff4", "#1c5a60", "#123f4a", "#02080d", true),
} as const satisfies Record<string, Light>;
export type LightName = keyof typeof LIGHTS;

/** A color so far on the way from one to another. */
export function blend(from: string, to: string, share: number): string {
  const bands = [1, 3, 5].map((at) => {
    const [a, b] = [from, to].map((color) => Number.parseInt(color.slice(at, at + 2), 16));
    return Math.round(mix(a ?? 0, b ?? 0, share))
      .toString(16)
      .padStart(2, "0");
  });
  return `#${bands.join("")}`;
}

/** A whole SVG document of that size. */
export function svg({ width, height }: Frame, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
}

/** A gradient from top to bottom, as a definition to fill with. */
export function fade(id: string, ...stops: readonly (readonly [color: string, opacity: number])[]): string {
  const marks = stops.map(([color, opacity], index) => stop(index / (stops.length - 1), color, opacity));
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${marks.join("")}</linearGradient>`;
}

/** A gradient from the middle outwards. */
export function glow(
  id: string,
  ...stops: readonly (readonly [at: number, color: string, opacity: number])[]
): string {
  return `<radialGradient id="${id}">${stops.map(([at, color, opacity]) => stop(at, color, opacity)).join("")}</radialGradient>`;
}

const stop = (at: number, color: string, opacity: number) =>
  `<stop offset="${at.toFixed(3)}" stop-color="${color}" stop-opacity="${opacity}"/>`;

/** The sky with its sun or moon, where `sun` says it stands in fractions of the frame; stars at night. */
export function drawSky(
  frame: Frame,
  { sky, sun, isNight }: Light,
  random: Random,
  at: readonly [number, number],
): string {
  const { width, height } = frame;
  const [x, y] = [at[0] * width, at[1] * height];
  const unit = Math.min(width, height);
  const [top, middle, bottom] = sky;
  const definitions =
    fade("sky", [top, 1], [middle, 1], [bottom, 1], [bottom, 1]) +
    glow("halo", [0, sun, isNight ? 0.35 : 0.85], [0.25, sun, isNight ? 0.1 : 0.3], [1, sun, 0]);
  const stars = isNight ? drawStars(frame, random) : "";
  const radius = unit * (isNight ? 0.028 : 0.04);
  return (
    `<defs>${definitions}</defs><rect width="100%" height="100%" fill="url(#sky)"/>${stars}` +
    `<circle cx="${x}" cy="${y}" r="${unit * 0.55}" fill="url(#halo)"/><circle cx="${x}" cy="${y}" r="${radius}" fill="${sun}"/>`
  );
}

function drawStars({ width, height }: Frame, random: Random): string {
  const unit = Math.min(width, height) / 1000;
  return Array.from({ length: 420 }, () => {
    const size = unit * (0.5 + 1.6 * random.next() ** 4);
    const opacity = random.between(0.25, 1).toFixed(2);
    return `<circle cx="${round(random.next() * width)}" cy="${round(random.next() * height * 0.75)}" r="${size.toFixed(2)}" fill="#fff" fill-opacity="${opacity}"/>`;
  }).join("");
}

/** Darker corners, as lenses draw them. */
export function drawVignette(): string {
  return `<defs>${glow("corners", [0.55, "#000000", 0], [1, "#000000", 0.42])}</defs><rect x="-20%" y="-20%" width="140%" height="140%" fill="url(#corners)"/>`;
}

/** A coordinate as SVG needs it; a tenth of a pixel is plenty. */
export function round(value: number): string {
  return value.toFixed(1);
}
