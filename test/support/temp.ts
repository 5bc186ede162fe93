import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for a test, gone when the test is. */
export async function tempFolder(test: { after(run: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
