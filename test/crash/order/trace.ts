import { readFile } from "node:fs/promises";

/** A call that went well, and where in the order of all lines it began and ended. */
export interface Step {
  readonly name: string;
  readonly began: number;
  readonly ended: number;
  /** Paths it names or has open, in this order. */
  readonly paths: readonly string[];
  readonly line: string;
}

/** The calls that strace has written down, with those that others came between made whole. */
export async function stepsIn(log: string): Promise<readonly Step[]> {
  const begun = new Map<string, { readonly line: string; readonly at: number }>();
  const steps: Step[] = [];
  for (const [at, line] of (await readFile(log, "utf8")).split("\n").entries()) {
    const [, thread = "", resumed, name = ""] = /^(\d+) +(<\.\.\. )?(\w+)/.exec(line) ?? [];
    if (line.endsWith("<unfinished ...>")) {
      begun.set(thread, { line, at });
      continue;
    }
    const first = resumed === undefined ? { line, at } : begun.get(thread);
    if (first === undefined || !/= \d+/.test(line.slice(-20))) continue;
    const paths = [...first.line.matchAll(/(?:^\d+ +\w+\(|, )(?:\d+|AT_FDCWD)?<?"?(\/[^">]*)[">]/g)];
    steps.push({
      name,
      began: first.at,
      ended: at,
      paths: paths.map(([, path = ""]) => path),
      line: first.line,
    });
  }
  return steps;
}
