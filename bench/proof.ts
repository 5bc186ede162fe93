import { randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openConnection } from "../src/catalog/open.ts";
import { coldHash } from "../src/library/cold-hash.ts";
import copyAndProve from "../src/library/task.ts";
import type { Setting } from "./measure.ts";
import { interleave, median, ratioOf } from "./measure.ts";
import type { Row } from "./table.ts";

const MIB = 1024 * 1024;
/** A picture of 24 MP. */
const FILE_BYTES = 9 * MIB;

/** What do the two promises cost: reading each copy back from the medium, and syncing the catalog at each commit? */
export async function proof({ folder, isShort }: Setting): Promise<readonly Row[]> {
  return [...(await coldProof(folder, isShort)), ...(await syncedCommits(folder, isShort))];
}

async function coldProof(folder: string, isShort: boolean): Promise<readonly Row[]> {
  const files = isShort ? 5 : 20;
  const names = Array.from({ length: files }, (_, number) => `IMG_${number}.JPG`);
  for (const name of names) fill(join(folder, name), FILE_BYTES);
  const part = (name: string) => join(folder, `${name}.part`);
  const copyAll = () => {
    for (const name of names) {
      const { size: sizeBytes, mtimeMs } = statSync(join(folder, name));
      rmSync(part(name), { force: true });
      const path = new TextEncoder().encode(name);
      copyAndProve({
        root: folder,
        path,
        name,
        sizeBytes,
        modifiedMs: Math.trunc(mtimeMs),
        part: part(name),
      });
    }
  };
  const seconds = await interleave(isShort ? 3 : 5, {
    "copied and proved": copyAll,
    "of that, the proof": () => names.map((name) => coldHash(part(name))),
  });
  const bytes = files * FILE_BYTES;
  return [
    {
      question: "copy: read once, hash, write, sync, read back",
      figure: bytes / 1e6 / median(seconds["copied and proved"]),
      unit: "MB/s",
    },
    {
      question: "  of that, reading back from the medium",
      figure: 100 * ratioOf(seconds["of that, the proof"], seconds["copied and proved"]),
      unit: "% of the time",
    },
  ];
}

async function syncedCommits(folder: string, isShort: boolean): Promise<readonly Row[]> {
  const commits = isShort ? 100 : 500;
  const open = (name: string, synchronous: "FULL" | "NORMAL") => {
    const connection = openConnection(join(folder, name));
    connection.pragma(`synchronous = ${synchronous}`);
    const insert = connection.prepare(
      "INSERT INTO object (store, key, size_bytes, sha256) VALUES ('x', ?, 1, ?)",
    );
    const commitAll = (round: number) => {
      for (let number = 0; number < commits; number++) insert.run(`${round}/${number}`, "0".repeat(64));
    };
    return { commitAll, close: () => connection.close() };
  };
  const [full, normal] = [open("full.db", "FULL"), open("normal.db", "NORMAL")];
  try {
    const seconds = await interleave(isShort ? 3 : 5, { full: full.commitAll, normal: normal.commitAll });
    return [
      {
        question: "a commit that survives a power cut (FULL)",
        figure: (median(seconds.full) / commits) * 1000,
        unit: "ms",
        against: { what: "NORMAL, which does not", ratio: ratioOf(seconds.full, seconds.normal) },
      },
    ];
  } finally {
    full.close();
    normal.close();
  }
}

function fill(file: string, sizeBytes: number): void {
  const fd = openSync(file, "wx");
  writeSync(fd, randomFillSync(Buffer.alloc(sizeBytes)));
  fsyncSync(fd);
  closeSync(fd);
  // Whole milliseconds, as an inventory tells them.
  utimesSync(file, 1_750_000_000, 1_750_000_000);
}
