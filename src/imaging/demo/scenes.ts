import { drawBoat, drawForest, drawHills, drawLoneTree, drawMountains, drawSea } from "./land.ts";
import { blend, drawSky, type Frame, fade, type Light } from "./light.ts";
import type { Random } from "./random.ts";
import { drawBalloons, drawBokeh, drawCity, drawFlower } from "./things.ts";

/** Soft shapes in the sky: clouds or northern lights. */
export interface Veil {
  readonly color: string;
  /** How much of the sky it covers, 0 to 1. */
  readonly cover: number;
  /** How far down it reaches, as a fraction of the frame. */
  readonly until: number;
  /** Its largest shapes, counted across and down. */
  readonly coarse: readonly [number, number];
}

/** A picture in layers: the far SVG, a soft veil over it, the near SVG. */
interface Scene {
  readonly back: string;
  readonly veil: Veil | null;
  readonly front: string;
}

type Compose = (frame: Frame, light: Light, random: Random) => Scene;

const BLOSSOMS = ["#e8467c", "#f28b30", "#8a5fd0", "#f0d24a", "#f2eef5", "#d83a3a"] as const;

const SCENES = {
  mountains: (frame, light, random) => {
    const sun = [random.between(0.2, 0.8), random.between(0.22, 0.42)] as const;
    return {
      back: drawSky(frame, light, random, sun),
      veil: clouds(light, random),
      front: drawMountains(frame, light, random, 0.56),
    };
  },
  sea: (frame, light, random) => {
    const [sunX, horizon] = [random.between(0.25, 0.75), random.between(0.5, 0.64)];
    const boat = drawBoat(frame, light, sunX < 0.5 ? sunX + 0.24 : sunX - 0.24, horizon);
    return {
      back: drawSky(frame, light, random, [sunX, horizon - random.between(0.05, 0.2)]),
      veil: { ...clouds(light, random), until: horizon },
      front: drawSea(frame, light, random, horizon, sunX) + boat,
    };
  },
  forest: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.3, 0.7), 0.3]),
    veil: clouds(light, random),
    front: drawForest(frame, light, random, 0.46),
  }),
  hills: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.2, 0.8), 0.34]),
    veil: clouds(light, random),
    front:
      drawHills(frame, light, random, 0.58, "#5d8a3a") +
      drawLoneTree(frame, light, random, random.pick([0.28, 0.7])),
  }),
  dunes: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.2, 0.8), 0.36]),
    veil: null,
    front: drawHills(frame, { ...light, near: "#5a2f1c" }, random, 0.5, "#d9954f"),
  }),
  balloons: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.3, 0.7), 0.5]),
    veil: clouds(light, random),
    front: drawHills(frame, light, random, 0.68, "#7d8f4a") + drawBalloons(frame, light, random),
  }),
  city: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.2, 0.8), 0.2]),
    veil: clouds(light, random),
    front: drawCity(frame, light, random),
  }),
  bokeh: (frame, light, random) => ({
    back: `<defs>${fade("dusk", [light.sky[0], 1], [light.near, 1])}</defs><rect width="100%" height="100%" fill="url(#dusk)"/>`,
    veil: null,
    front: drawBokeh(frame, random, ["#ffc46b", "#ff8a5c", "#ffe9b0", light.sun, light.sky[1]], 90),
  }),
  flower: (frame, light, random) => {
    const meadow = fade("meadow", [blend("#7fa65a", light.sky[2], 0.4), 1], ["#2c5233", 1], ["#142a1c", 1]);
    const color = random.pick(BLOSSOMS);
    const at = [random.between(0.4, 0.6), random.between(0.4, 0.48)] as const;
    return {
      back: `<defs>${meadow}</defs><rect width="100%" height="100%" fill="url(#meadow)"/>${drawBokeh(frame, random, ["#9cc46a", "#d8e8a0", color], 46)}`,
      veil: null,
      front: drawFlower(frame, random, color, at, random.between(0.27, 0.34)),
    };
  },
  aurora: (frame, light, random) => ({
    back: drawSky(frame, light, random, [random.between(0.15, 0.85), 0.14]),
    veil: {
      color: random.pick(["#3ff0a0", "#58e8c8", "#b070ff"]),
      cover: 0.66,
      until: 0.66,
      coarse: [12, 1],
    },
    front: drawMountains(frame, light, random, 0.68) + drawForestEdge(frame, light, random),
  }),
} as const satisfies Record<string, Compose>;

export type SceneName = keyof typeof SCENES;

/** Composes a scene of that kind; the same random numbers give the same picture. */
export function composeScene(name: SceneName, frame: Frame, light: Light, random: Random): Scene {
  return SCENES[name](frame, light, random);
}

function clouds(light: Light, random: Random): Veil {
  return { color: light.cloud, cover: random.between(0.42, 0.6), until: 0.6, coarse: [3, 5] };
}

function drawForestEdge(frame: Frame, light: Light, random: Random): string {
  return drawForest(frame, { ...light, haze: light.near }, random, 0.86);
}
