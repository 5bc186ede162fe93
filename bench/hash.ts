import { execFileSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./measure.ts";
import { interleave, median, ratioOf } from "./measure.ts";
import type { Row } from "./table.ts";
import { atLeast } from "./table.ts";

const MIB = 1024 * 1024;

/** The sizes `library/task.ts` reads in, and a small one to see what they are for. */
const CHUNKS = { "64 KiB": 64 * 1024, "1 MiB": MIB, "4 MiB": 4 * MIB, "8 MiB": 8 * MIB } as const;

/** How fast does one thread hash a file by the size of its reads? Against coreutils on the same file, all of it in memory. */
export async function hash({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const sizeBytes = (isShort ? 64 : 256) * MIB;
  const file = join(folder, "file");
  fill(file, sizeBytes);
  const seconds = await interleave(isShort ? 3 : 5, {
    "64 KiB": () => hashInChunks(file, CHUNKS["64 KiB"]),
    "1 MiB": () => hashInChunks(file, CHUNKS["1 MiB"]),
    "4 MiB": () => hashInChunks(file, CHUNKS["4 MiB"]),
    "8 MiB": () => hashInChunks(file, CHUNKS["8 MiB"]),
    sha256sum: () => execFileSync("sha256sum", [file]),
  });
  return (Object.keys(CHUNKS) as (keyof typeof CHUNKS)[]).map((size) => {
    const ratio = ratioOf(seconds.sha256sum, seconds[size]);
    return {
      question: `hash in reads of ${size}`,
      figure: sizeBytes / 1e6 / median(seconds[size]),
      unit: "MB/s",
      against: { what: "sha256sum", ratio },
      ...(size === "64 KiB" ? {} : { goal: atLeast(1, ratio) }),
    };
  });
}

function fill(file: string, sizeBytes: number): void {
  const fd = openSync(file, "wx");
  const chunk = Buffer.alloc(8 * MIB);
  for (let done = 0; done < sizeBytes; done += chunk.length) writeSync(fd, randomFillSync(chunk));
  closeSync(fd);
}

function hashInChunks(file: string, chunkBytes: number): string {
  const fd = openSync(file, "r");
  const sum = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
    sum.update(buffer.subarray(0, count));
  closeSync(fd);
  return sum.digest("hex");
}
