/** Random numbers that are the same on every run. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  between(low: number, high: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** A seeded generator: mulberry32 by Tommy Ettinger (public domain), good enough for pictures. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    pick: (from) => from[Math.floor(next() * from.length)] ?? from[0],
  };
}

/** Numbers around 0, neighbors alike, rough at every scale: the outline of a mountain (midpoint displacement). */
export function roughLine(random: Random, steps: number, roughness: number): number[] {
  let line = [random.between(-1, 1), random.between(-1, 1)];
  for (let size = 1; line.length < steps; size *= roughness)
    line = line.flatMap((value, index) => {
      const after = line[index + 1];
      return after === undefined ? [value] : [value, (value + after) / 2 + random.between(-size, size)];
    });
  return line;
}

/** Smooth noise in 0…1 over a grid, made of octaves of ever finer lattices. */
export function cloudNoise(
  random: Random,
  width: number,
  height: number,
  coarse: readonly [across: number, down: number],
): Float32Array {
  const sum = new Float32Array(width * height);
  let weight = 0.5;
  for (let fineness = 1; weight > 0.02; fineness *= 2, weight /= 2) {
    const [across, down] = [coarse[0] * fineness, coarse[1] * fineness];
    const lattice = Float32Array.from({ length: (across + 2) * (down + 2) }, () => random.next());
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        sum[at] =
          (sum[at] ?? 0) +
          weight * latticeValue(lattice, across + 2, (x / width) * across, (y / height) * down);
      }
  }
  return sum;
}

function latticeValue(lattice: Float32Array, rowLength: number, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const across = ease(x - column);
  const at = row * rowLength + column;
  const top = mix(lattice[at] ?? 0, lattice[at + 1] ?? 0, across);
  const bottom = mix(lattice[at + rowLength] ?? 0, lattice[at + rowLength + 1] ?? 0, across);
  return mix(top, bottom, ease(y - row));
}

const ease = (at: number) => at * at * (3 - 2 * at);

/** The number so far on the way from one to another. */
export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
