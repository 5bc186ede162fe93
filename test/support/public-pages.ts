import { readFileSync } from "node:fs";
import { join } from "node:path";

const guide = readFileSync(join(import.meta.dirname, "../../docs/sharing.md"), "utf8");

/** The policy that docs/sharing.md gives for mode `capability`, for this bucket and folder: what people copy is what is tested. */
export function pagesPolicy(bucket: string, folder: string): string {
  const policy = /```json\n(\{[^`]*PagesOfGalleries[^`]*\})\n```/.exec(guide)?.[1];
  if (policy === undefined) throw new Error("docs/sharing.md holds no policy");
  return policy.replaceAll("my-photos/ghostroll", `${bucket}/${folder}`);
}
