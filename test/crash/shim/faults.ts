import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Faults of cards and disks, made by a library below the worker processes of the command (faults.c says which). */
export interface Faults {
  /** What the command has to be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the rules; they hold for commands started from now on. */
  set(...rules: readonly string[]): Promise<void>;
  /** What has happened since the rules were set, as `ACTION PATH`. */
  happened(): Promise<string[]>;
}

/** Compiles the library into a folder of the test. Takes `cc`. */
export async function openFaults(folder: string): Promise<Faults> {
  const [library, rules] = [join(folder, "faults.so"), join(folder, "faults")];
  const source = join(import.meta.dirname, "faults.c");
  execFileSync("cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, source]);
  const log = `${rules}.log`;
  return {
    env: {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "into-workers.ts")}`,
      FAULTS: rules,
      FAULTS_LIBRARY: library,
    },
    async set(...lines) {
      await Promise.all([writeFile(rules, `${lines.join("\n")}\n`), writeFile(log, "")]);
    },
    async happened() {
      return (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
    },
  };
}
