import { blend, type Frame, fade, type Light, round } from "./light.ts";
import { mix, type Random, roughLine } from "./random.ts";

/** Ridges behind each other, paler the farther away, with mist in the valleys. */
export function drawMountains(frame: Frame, light: Light, random: Random, horizon: number): string {
  return layers(5, (depth, id) => {
    const base = mix(horizon, 1, depth ** 1.4);
    const height = mix(0.3, 0.13, depth);
    const ridge = roughLine(random, 250, 0.56).map((value) => base - height * 0.3 - height * 0.55 * value);
    return slope(frame, light, id, depth, ridge, light.isNight ? 0 : 0.75 * (1 - depth) ** 2);
  });
}

/** Soft hills in the color of grass or sand. */
export function drawHills(
  frame: Frame,
  light: Light,
  random: Random,
  horizon: number,
  ground: string,
): string {
  return layers(5, (depth, id) => {
    const base = mix(horizon, 0.92, depth);
    const [phase, speed] = [random.between(0, 6), random.between(1.5, 4)];
    const ridge = Array.from({ length: 90 }, (_, index) => {
      const at = index / 89;
      return base - 0.05 * Math.sin(phase + at * speed) - 0.02 * Math.sin(phase * 2 + at * speed * 2.3);
    });
    return slope(frame, { ...light, near: blend(ground, light.near, 0.35 * depth) }, id, depth, ridge);
  });
}

/** Rows of conifers that come out of the mist. */
export function drawForest(frame: Frame, light: Light, random: Random, horizon: number): string {
  return layers(5, (depth, id) => {
    const base = mix(horizon + 0.06, 1.02, depth);
    const size = mix(0.09, 0.42, depth ** 1.6);
    const ground = roughLine(random, 60, 0.5).map((value) => base - 0.02 * value);
    const trees = Array.from({ length: Math.round(mix(70, 11, depth)) }, () => {
      const at = random.between(-0.02, 1.02);
      return conifer(
        frame,
        random,
        at,
        (ground[Math.floor(at * 60)] ?? base) + 0.02,
        size * random.between(0.6, 1.1),
      );
    });
    return `${slope(frame, light, id, depth, ground)}<path fill="${tone(light, depth)}" d="${trees.join("")}"/>`;
  });
}

/** Water below the horizon with the sun's path on it. */
export function drawSea(
  { width, height }: Frame,
  light: Light,
  random: Random,
  horizon: number,
  sunX: number,
): string {
  const depth = 1 - horizon;
  const water = fade(
    "sea",
    [blend(light.sky[2], light.haze, 0.5), 1],
    [blend(light.sky[1], light.near, 0.35), 1],
    [blend(light.sky[0], light.near, 0.6), 1],
  );
  const waves = Array.from({ length: 620 }, () => {
    const near = random.next() ** 1.6;
    const [x, y] = [random.next() * width, (horizon + near * depth) * height];
    const length = width * mix(0.004, 0.06, near) * random.between(0.5, 1.5);
    const isLight = random.next() < 0.5;
    return ellipse(
      x,
      y,
      length,
      height * mix(0.0006, 0.0035, near),
      isLight ? light.sky[2] : light.near,
      isLight ? 0.13 : 0.16,
    );
  });
  const glitter = Array.from({ length: 420 }, () => {
    const near = random.next() ** 1.3;
    const spread = width * mix(0.012, 0.11, near) * (random.next() + random.next() - 1);
    return ellipse(
      sunX * width + spread,
      (horizon + near * depth) * height,
      width * mix(0.003, 0.018, near),
      height * mix(0.0007, 0.003, near),
      light.sun,
      0.6,
    );
  });
  return `<defs>${water}</defs><rect y="${round(horizon * height)}" width="100%" height="100%" fill="url(#sea)"/>${waves.join("")}${glitter.join("")}`;
}

/** A sailing boat on the horizon. */
export function drawBoat({ width, height }: Frame, light: Light, at: number, horizon: number): string {
  const unit = Math.min(width, height) * 0.09;
  return (
    `<g transform="translate(${round(at * width)} ${round((horizon + 0.035) * height)}) scale(${round(unit)})" fill="${light.near}">` +
    `<path d="M-.55-.02Q0 .02 .6-.06L.42.14Q0 .2-.4.14Z"/><path d="M0-.08V-1.5Q.5-.7.5-.12Z"/><path d="M-.05-.08V-1.35Q-.4-.6-.42-.12Z" fill-opacity=".85"/></g>`
  );
}

/** One tree on a rise, in front of everything. */
export function drawLoneTree(frame: Frame, light: Light, random: Random, at: number): string {
  const { width, height } = frame;
  const unit = Math.min(width, height) * 0.36;
  const leaves = Array.from({ length: 150 }, () => {
    const [angle, far] = [random.between(0, 2 * Math.PI), Math.sqrt(random.next())];
    return `<circle cx="${(Math.cos(angle) * far * 0.42).toFixed(3)}" cy="${(-0.85 + Math.sin(angle) * far * 0.3).toFixed(3)}" r="${random.between(0.025, 0.075).toFixed(3)}"/>`;
  });
  return (
    `<g fill="${light.near}"><path d="M${round(-0.1 * width)} ${round(height)}Q${round(at * width)} ${round(0.8 * height)} ${round(width * 1.1)} ${round(height)}Z"/>` +
    `<g transform="translate(${round(at * width)} ${round(height * 0.92)}) scale(${round(unit)})"><path d="M-.05.1Q-.02-.4-.16-.75L-.12-.78-.01-.5.12-.82.16-.8Q.03-.4.06.1Z"/>${leaves.join("")}</g></g>`
  );
}

function layers(count: number, draw: (depth: number, id: string) => string): string {
  return Array.from({ length: count }, (_, index) => draw(index / (count - 1), `layer${index}`)).join("");
}

function tone(light: Light, depth: number): string {
  return blend(light.haze, light.near, 0.12 + 0.85 * depth);
}

/** One layer of land, darker than the air at its top and lost in mist at its foot; `snow` is how white its top is. */
function slope(
  frame: Frame,
  light: Light,
  id: string,
  depth: number,
  ridge: readonly number[],
  snow = 0,
): string {
  const { width, height } = frame;
  const points = ridge.map(
    (y, index) => `${round((index / (ridge.length - 1)) * width)} ${round(y * height)}`,
  );
  const color = tone(light, depth);
  const foot = blend(color, light.haze, 0.55 * (1 - depth));
  const top = blend(color, light.cloud, snow);
  return `<defs>${fade(id, [top, 1], [color, 1], [foot, 1], [foot, 1])}</defs><path fill="url(#${id})" d="M0 ${height}L${points.join("L")}L${width} ${height}Z"/>`;
}

function conifer({ width, height }: Frame, random: Random, at: number, foot: number, size: number): string {
  const [x, y, tall] = [at * width, foot * height, size * height];
  const half = tall * random.between(0.13, 0.19);
  const tiers = 9;
  const side = (sign: number) =>
    Array.from({ length: tiers }, (_, index) => {
      const down = (index + 1) / tiers;
      const out = half * down * random.between(0.75, 1.1);
      return `L${round(x + sign * out)} ${round(y - tall * (1 - down) + tall * 0.02)}L${round(x + sign * out * 0.5)} ${round(y - tall * (1 - down))}`;
    });
  return `M${round(x)} ${round(y - tall)}${side(1).join("")}L${round(x)} ${round(y)}ZM${round(x)} ${round(y - tall)}${side(-1).join("")}L${round(x)} ${round(y)}Z`;
}

function ellipse(x: number, y: number, rx: number, ry: number, fill: string, opacity: number): string {
  return `<ellipse cx="${round(x)}" cy="${round(y)}" rx="${round(rx)}" ry="${ry.toFixed(2)}" fill="${fill}" fill-opacity="${opacity}"/>`;
}
