/** A size for people: `38.2 GB`, `4.1 MB`, in decimal units as cards are sold. */
export function gigabytes(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return `${(bytes / (size as number)).toFixed(1)} ${unit}`;
}

/** `1 photo`, `2 photos`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
