import type { DrawRequest } from "./draw-task.ts";
import type { Shot } from "./exif.ts";
import type { LightName } from "./light.ts";
import { type Random, seededRandom } from "./random.ts";
import type { SceneName } from "./scenes.ts";

/** A picture of the demo card: what to draw, and where on the card. */
type PlannedShot = Omit<DrawRequest, "file"> & { readonly path: string };

/** The program of two days: scene and light, in an order that makes a lively gallery. */
const PROGRAM = [
  ["mountains", "dawn"], ["forest", "mist"], ["balloons", "dawn"], ["sea", "noon"], ["flower", "noon"], ["hills", "noon"],
  ["city", "gold"], ["dunes", "gold"], ["sea", "red"], ["city", "violet"], ["bokeh", "night"], ["aurora", "arctic"],
  ["forest", "dawn"], ["mountains", "noon"], ["flower", "gold"], ["balloons", "noon"], ["hills", "gold"], ["sea", "teal"],
  ["mountains", "teal"], ["dunes", "red"], ["city", "red"], ["forest", "teal"], ["bokeh", "violet"], ["city", "night"],
  ["mountains", "violet"], ["aurora", "night"],
] as const satisfies readonly (readonly [SceneName, LightName])[]; // biome-ignore format: a program reads in rows

/** Upright frames as cameras and people choose them, long edges between 1600 and 2400 pixels. */
const FRAMES = [
  [2400, 1600], [2160, 1440], [1600, 2400], [2048, 1536], [2400, 1350], [1440, 2160], [2100, 1400], [1536, 2048],
] as const; // biome-ignore format: a program reads in rows

const CANON = { make: "Canon", model: "Canon EOS R6", lens: "RF24-105mm F4 L IS USM" } as const;
const NIKON = { make: "NIKON CORPORATION", model: "NIKON Z 6_2", lens: "NIKKOR Z 50mm f/1.8 S" } as const;

/** A Saturday morning, as the camera's clock shows it. */
const FIRST_MS = Date.UTC(2026, 4, 2, 8, 12, 9);
/** Photos of a walk come every few minutes; the night between the two days is the gap. */
const [BETWEEN_MS, NIGHT_MS] = [11 * 60_000, 15 * 3_600_000];

/** Plans so many pictures, always the same: the first three fifths on a Canon, the rest on a Nikon. */
export function planShots(count: number): PlannedShot[] {
  const canons = Math.ceil(count * 0.6);
  return Array.from({ length: count }, (_, index) => {
    const random = seededRandom(index * 7919 + 17);
    const [scene, light] = PROGRAM[index % PROGRAM.length] ?? PROGRAM[0];
    const [width, height] = FRAMES[(index * 3) % FRAMES.length] ?? FRAMES[0];
    const isCanon = index < canons;
    const takenMs =
      FIRST_MS +
      index * BETWEEN_MS +
      (index >= count / 2 ? NIGHT_MS : 0) +
      Math.floor(random.next() * 400) * 1000;
    return {
      path: isCanon ? `DCIM/100CANON/${numbered("IMG", index + 1)}` : nikonPath(index - canons),
      scene,
      light,
      width,
      height,
      seed: index * 104_729 + 3,
      exif: shotOf(index, takenMs, isCanon ? CANON : NIKON, width < height, random),
      modifiedMs: takenMs,
    };
  });
}

/** The second camera's first picture happens to be called like one of the first camera's. */
function nikonPath(index: number): string {
  return `DCIM/101NZ6_2/${index === 0 ? numbered("IMG", 1) : numbered("DSC", 2100 + index)}`;
}

function numbered(prefix: string, number: number): string {
  return `${prefix}_${String(number).padStart(4, "0")}.JPG`;
}

function shotOf(
  index: number,
  takenMs: number,
  camera: typeof CANON | typeof NIKON,
  isTall: boolean,
  random: Random,
): Shot {
  const date = new Date(takenMs).toISOString();
  return {
    ...camera,
    date: `${date.slice(0, 10).replaceAll("-", ":")} ${date.slice(11, 19)}`,
    hundredths: String(Math.floor(random.next() * 100)).padStart(2, "0"),
    offset: "+02:00",
    // Tall pictures come from a camera held either way; some programs turn the pixels instead.
    orientation: isTall ? random.pick([6, 8, 6, 1]) : 1,
    shutter: random.pick([60, 125, 250, 500, 1000]),
    aperture: random.pick([1.8, 2.8, 4, 5.6, 8]),
    focalMm: random.pick([24, 35, 50, 70, 105]),
    iso: random.pick([100, 200, 400, 1600]),
    // A spot in the Alps that belongs to nobody; every third picture carries it so that its removal can be seen.
    secrets:
      index % 3 === 0
        ? { owner: "Jane Doe", serial: "072021003947", latitude: 46.8523, longitude: 9.5316 }
        : null,
  };
}
