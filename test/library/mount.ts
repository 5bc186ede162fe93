import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const isRoot = process.getuid?.() === 0;

/** Mounts something on a fresh folder while it is used. `what` are the arguments before the folder. */
export async function withMount(
  program: string,
  what: readonly string[],
  use: (mount: string) => Promise<void>,
): Promise<void> {
  const mount = await mkdtemp(join(tmpdir(), "ghostroll-mount-"));
  execFileSync(program, [...what, mount], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await use(mount);
  } finally {
    execFileSync("umount", [mount]);
    await rmdir(mount);
  }
}
