import { blend, type Frame, fade, glow, type Light, round } from "./light.ts";
import { mix, type Random } from "./random.ts";

/** A skyline with lit windows, mirrored in the water before it. */
export function drawCity({ width, height }: Frame, light: Light, random: Random): string {
  const shore = 0.72 * height;
  const rows = [0.15, 0.5, 1].map((depth) => {
    const buildings: string[] = [];
    for (let x = -0.02 * width; x < width; ) {
      const wide = width * random.between(0.03, 0.075);
      const tall = height * mix(0.42, 0.22, depth) * random.between(0.45, 1.15);
      buildings.push(
        building(
          x,
          shore - tall,
          wide,
          tall,
          blend(light.haze, light.near, 0.25 + 0.7 * depth),
          depth,
          random,
        ),
      );
      x += wide * random.between(0.95, 1.25);
    }
    return buildings.join("");
  });
  const skyline = rows.join("");
  const water = fade("river", [blend(light.sky[2], light.near, 0.45), 1], [light.near, 1]);
  const ripples = Array.from({ length: 260 }, () => {
    const near = random.next() ** 1.5;
    const wide = width * mix(0.02, 0.16, near) * random.between(0.5, 1.4);
    const tall = height * mix(0.0008, 0.0045, near);
    return `<rect x="${round(random.between(-0.1, 1) * width)}" y="${round(shore + near * (height - shore))}" width="${round(wide)}" height="${round(tall)}" fill="${random.pick([light.near, light.near, light.sky[1]])}" fill-opacity=".5"/>`;
  });
  return (
    `<defs>${water}<g id="town">${skyline}</g></defs><use href="#town"/><rect y="${round(shore)}" width="100%" height="100%" fill="url(#river)"/>` +
    `<g opacity=".5"><use href="#town" transform="translate(0 ${round(2 * shore)}) scale(1 -1)"/></g>${ripples.join("")}`
  );
}

function building(
  x: number,
  y: number,
  wide: number,
  tall: number,
  color: string,
  depth: number,
  random: Random,
): string {
  const lamp = random.pick(["#ffd48a", "#ffe7b8", "#ffc066", "#cfe3ff"]);
  const lit = random.between(0.2, 0.55);
  const columns = Math.max(3, Math.round(wide / (tall * 0.05 + 6)));
  const [stepX, stepY] = [wide / columns, (wide / columns) * 1.25];
  let windows = "";
  for (let row = 1; row * stepY < tall - stepY; row++)
    for (let column = 0; column < columns; column++)
      if (random.next() < lit)
        windows += `M${round(x + (column + 0.25) * stepX)} ${round(y + row * stepY)}h${round(stepX * 0.5)}v${round(stepY * 0.5)}h${round(-stepX * 0.5)}z`;
  return `<path fill="${color}" d="M${round(x)} ${round(y)}h${round(wide)}v${round(tall)}h${round(-wide)}z"/><path fill="${lamp}" fill-opacity="${(0.35 + 0.5 * depth).toFixed(2)}" d="${windows}"/>`;
}

/** Out-of-focus lights, as a wide aperture draws them. */
export function drawBokeh(
  { width, height }: Frame,
  random: Random,
  colors: readonly [string, ...string[]],
  count: number,
): string {
  const unit = Math.min(width, height);
  const discs = colors.map((color, index) =>
    glow(`disc${index}`, [0, color, 0.5], [0.82, color, 0.6], [0.93, color, 0.85], [1, color, 0]),
  );
  const circles = Array.from({ length: count }, () => {
    const size = unit * random.between(0.025, 0.13);
    const index = Math.floor(random.next() * colors.length);
    return `<circle cx="${round(random.next() * width)}" cy="${round(random.next() * height)}" r="${round(size)}" fill="url(#disc${index})" fill-opacity="${random.between(0.15, 0.7).toFixed(2)}"/>`;
  });
  return `<defs>${discs.join("")}</defs>${circles.join("")}`;
}

/** A blossom close up: rings of petals around a seeded heart. */
export function drawFlower(
  { width, height }: Frame,
  random: Random,
  color: string,
  at: readonly [number, number],
  size: number,
): string {
  const unit = Math.min(width, height) * size;
  const [x, y] = [at[0] * width, at[1] * height];
  const id = `petal${Math.round(x)}`;
  const petal = `<linearGradient id="${id}" x1="0" y1="1" x2="0" y2="0"><stop offset="0" stop-color="${blend(color, "#5a1030", 0.55)}"/><stop offset=".45" stop-color="${color}"/><stop offset="1" stop-color="${blend(color, "#ffffff", 0.55)}"/></linearGradient>`;
  const count = Math.round(random.between(11, 17));
  const rings = [1, 0.86, 0.68].map((scale, ring) =>
    Array.from({ length: count }, (_, index) => {
      const angle = ((index + ring / 3) / count) * 360 + random.between(-5, 5);
      const long = scale * random.between(0.92, 1.06);
      return `<path transform="rotate(${round(angle)}) scale(${(scale * random.between(0.85, 1.1)).toFixed(3)} ${long.toFixed(3)})" fill="url(#${id})" stroke="${blend(color, "#40102a", 0.5)}" stroke-width=".006" stroke-opacity=".5" d="M0 0C.34-.25.24-.85 0-1C-.24-.85-.34-.25 0 0Z"/>`;
    }).join(""),
  );
  const heart = Array.from({ length: 170 }, (_, index) => {
    // Sunflower order: each seed one golden angle further.
    const [turn, far] = [index * 2.39996, Math.sqrt(index / 170) * 0.24];
    return `<circle cx="${(Math.cos(turn) * far).toFixed(3)}" cy="${(Math.sin(turn) * far).toFixed(3)}" r=".016" fill="${blend("#ffcf4a", "#7a3b0c", index / 170)}"/>`;
  });
  const stem = `<path d="M0 0Q.25 2 .1 5" stroke="#2f5d34" stroke-width=".1" fill="none"/>`;
  return `<defs>${petal}</defs><g transform="translate(${round(x)} ${round(y)}) scale(${round(unit)})">${stem}<g transform="scale(1 .94)">${rings.join("")}<circle r=".26" fill="#5a2a10"/>${heart.join("")}</g></g>`;
}

/** Hot-air balloons, large near ones and small far ones. */
export function drawBalloons({ width, height }: Frame, light: Light, random: Random): string {
  const stripes = ["#d7443e", "#f0b63c", "#2f7f8c", "#f3ead7", "#7a4b8c", "#e0703a"] as const;
  const sizes = [0.045, 0.06, 0.04, 0.085, 0.16];
  const balloons = sizes.map((size, index) => {
    const unit = Math.min(width, height) * size;
    const far = 0.5 * (1 - index / (sizes.length - 1));
    const [x, y] = [
      width * (0.12 + 0.19 * ((index * 3) % 5) + random.between(-0.03, 0.03)),
      height * random.between(0.16, 0.46),
    ];
    const [one, two] = [random.pick(stripes), random.pick(stripes)];
    const gores = [1, 0.72, 0.42, 0.14].map(
      (half, gore) =>
        `<path fill="${blend(gore % 2 ? two : one, light.haze, far)}" d="M0-1C${half * 1.3}-1 ${half * 1.35}-.1 ${half * 0.18} 1H${-half * 0.18}C${-half * 1.35}-.1 ${-half * 1.3}-1 0-1Z"/>`,
    );
    const shade = `<path fill="#000" fill-opacity=".16" d="M.1-1C1.3-1 1.35-.1.18 1H.02C.8-.1.7-1 .1-1Z"/>`;
    const basket = `<path d="M-.14 1-.1 1.3H.1L.14 1" stroke="#3a2a1c" stroke-width=".02" fill="none"/><rect x="-.12" y="1.3" width=".24" height=".18" rx=".03" fill="${blend("#5a3a20", light.haze, far)}"/>`;
    return `<g transform="translate(${round(x)} ${round(y)}) scale(${round(unit)})">${gores.join("")}${shade}${basket}</g>`;
  });
  return balloons.join("");
}
