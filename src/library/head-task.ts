import { createHash } from "node:crypto";
import { displayPath } from "../domain/card-path.ts";
import { Failure } from "../domain/failure.ts";
import type { CardFileRequest } from "./card-file.ts";
import { withCardFile } from "./card-file.ts";

/** How much of a file its head hash covers: enough to hold the times a camera writes, read in one request. */
export const HEAD_BYTES = 64 * 1024;

export interface HeadsRequest {
  /** Absolute path of the volume's root. */
  readonly root: string;
  /** What it lay on when it was identified. */
  readonly medium?: string | undefined;
  readonly files: readonly Omit<CardFileRequest, "root" | "name">[];
}

/** One buffer a thread: a card of thousands of files would leave as many behind. */
const memory = Buffer.allocUnsafeSlow(HEAD_BYTES);

/** Looks at some files take milliseconds. A card that takes this long repeats bad spots, up to 30 s each. */
const SICK_MS = 20_000;

/**
 * SHA-256 of the first 64 KiB of each of these card files, in their order; `null` for one that could not be read as it was
 * listed, and for all that are left when the card is sick: each has time of its own when it is read whole. Throws
 * `card-removed`.
 */
export default function headHashes({ root, files }: HeadsRequest): (string | null)[] {
  const startedMs = performance.now();
  return files.map((file) => {
    if (performance.now() - startedMs > SICK_MS) return null;
    try {
      return headHash({ ...file, root, name: displayPath(file.path) });
    } catch (error) {
      if (Failure.is(error, "file")) return null;
      throw error;
    }
  });
}

function headHash(request: CardFileRequest): string {
  return withCardFile(request, (file) => {
    const head = memory.subarray(0, Math.min(HEAD_BYTES, request.sizeBytes));
    let done = 0;
    while (done < head.length) {
      const count = file.read(head.subarray(done), done);
      if (count === 0) throw new Failure("file-unreadable", `The card gave only a part of ${request.name}.`);
      done += count;
    }
    return createHash("sha256").update(head).digest("hex");
  });
}
