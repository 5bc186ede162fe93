import type { ContentHash } from "./hash.ts";
import { contentHash } from "./hash.ts";

export interface ManifestLine {
  readonly hash: ContentHash;
  /** Path relative to the manifest. */
  readonly path: string;
}

/**
 * The text of a `SHA256SUMS` file, as `sha256sum -c` reads it: a line that holds a name with a newline or backslash starts
 * with a backslash and escapes them (coreutils manual, "cksum general options").
 */
export function writeManifest(lines: readonly ManifestLine[]): string {
  return lines
    .map(({ hash, path }) => {
      const escaped = path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
      return `${escaped === path ? "" : "\\"}${hash}  ${escaped}\n`;
    })
    .join("");
}

/** Reads a `SHA256SUMS` file back. */
export function parseManifest(text: string): ManifestLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const isEscaped = line.startsWith("\\");
      const [hash, path] = [line.slice(isEscaped ? 1 : 0).slice(0, 64), line.slice((isEscaped ? 1 : 0) + 66)];
      return { hash: contentHash(hash), path: isEscaped ? unescapeName(path) : path };
    });
}

function unescapeName(path: string): string {
  return path.replace(/\\([\\n])/g, (_, letter: string) => (letter === "n" ? "\n" : "\\"));
}
