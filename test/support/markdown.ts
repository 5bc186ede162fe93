import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of each block of code in a page of the project, as a reader copies it. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../..", page), "utf8");
  const fence = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(([, block = ""]) => block);
}

/** Whether a block is settings and nothing else. */
export function isSettings(block: string): boolean {
  const lines = block.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.length > 0 && lines.every((line) => /^(GHOSTROLL|AWS)_\w+=\S*(\s+#.*)?$/.test(line));
}
