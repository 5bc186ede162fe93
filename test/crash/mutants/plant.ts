import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../../..");
/** What the command is made of; packages are found by walking up from the copy. */
const PARTS = ["src", "templates", "package.json", "tsconfig.json"];

/** Makes a copy of the product with a bug in it, the patch of that name; returns its folder. Throws when it no longer applies. */
export async function plant(name: string): Promise<string> {
  const copy = join(root, ".cache/mutants", name);
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { recursive: true });
  for (const part of PARTS) await cp(join(root, part), join(copy, part), { recursive: true });
  await apply(name, copy);
  return copy;
}

/** Throws what git says when the patch of that name does not apply to this checkout. Changes nothing. */
export async function assertApplies(name: string): Promise<void> {
  await apply(name, root, "--check");
}

async function apply(name: string, folder: string, ...how: readonly string[]): Promise<void> {
  const patch = join(import.meta.dirname, `${name}.patch`);
  // Told not to look for a repository above, git takes the paths in the patch from this folder.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: join(folder, "..") };
  await promisify(execFile)("git", ["apply", ...how, patch], { cwd: folder, env });
}
