import { createHash } from "node:crypto";
import { digestOf, walk } from "./walk.ts";

export interface PeekRequest {
  /** Absolute path of a volume's root. */
  readonly root: string;
  /** What it lies on. */
  readonly medium: string;
}

export interface Peek {
  /** Names of the folders directly below the root. */
  readonly topFolders: readonly string[];
  /** Equal for two looks between which nothing changed, as far as a look goes. */
  readonly digest: string;
}

/** Deep enough for `DCIM/100CANON/IMG_0001.JPG`, and so few entries that the slowest card shows them in well under a second. */
const LIMITS = { maxDepth: 3, maxEntries: 2_000 };

/** A quick look at a volume: what its folders are called, and whether its listing has settled. Throws as `walk` does. */
export default function peek({ root }: Pick<PeekRequest, "root">): Peek {
  const met = walk(root, LIMITS);
  const { topFolders } = met;
  const digest = createHash("sha256").update(digestOf(met)).update(topFolders.join("\0")).digest("hex");
  return { topFolders, digest };
}
