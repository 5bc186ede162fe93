import { createHash } from "node:crypto";
import { join } from "node:path";
import { openCatalog } from "../src/catalog/catalog.ts";
import type { VolumeId } from "../src/domain/card.ts";
import { contentHash } from "../src/domain/hash.ts";
import { mediaByName } from "../src/domain/media.ts";
import type { Setting } from "./measure.ts";
import { interleave, median, ratioOf } from "./measure.ts";
import type { Row } from "./table.ts";
import { atLeast } from "./table.ts";

/** As many as `ingest/step.ts` commits at once. */
const BATCH = 32;
const VOLUME = { id: "bench" as VolumeId, root: "/card", label: "BENCH" };

/** How many files does the catalog acknowledge a second, each with its original, fingerprint and state, synced to the disk? */
export async function rows({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const catalog = openCatalog(join(folder, "catalog.db"), "bench");
  const files = BATCH * (isShort ? 4 : 16);
  const settle = (name: string, batchFiles: number) => (round: number) => {
    const outcomes = found(`${name}-${round}`);
    for (let start = 0; start < files; start += batchFiles)
      catalog.settle(outcomes.session, outcomes.files.slice(start, start + batchFiles));
  };

  /** Files waiting to be settled: one transaction, little beside the others. */
  function found(prefix: string) {
    const names = Array.from({ length: files }, (_, number) => `${prefix}-${number}.jpg`);
    const cardFiles = names.map((name) => ({
      path: new TextEncoder().encode(name),
      sizeBytes: 1000,
      modifiedMs: 0,
    }));
    const session = catalog.openSession(VOLUME, "undated", cardFiles);
    catalog.find(session.id, cardFiles);
    return {
      session,
      files: catalog.pending(session.id).map((file, number) => {
        const hash = contentHash(createHash("sha256").update(`${names[number]}`).digest("hex"));
        const copy = { hash, headHash: hash, sizeBytes: 1000, media: mediaByName("x.jpg"), part: "" };
        return { to: "stored" as const, file, copy, path: `originals/${session.name}/${names[number]}` };
      }),
    };
  }

  try {
    const seconds = await interleave(isShort ? 3 : 7, {
      batched: settle("batched", BATCH),
      single: settle("single", 1),
    });
    const ratio = ratioOf(seconds.single, seconds.batched);
    const against = { what: "one a transaction", ratio };
    return [
      {
        question: `catalog, ${BATCH} files a transaction`,
        figure: files / median(seconds.batched),
        unit: "files/s",
        against,
        goal: atLeast(3, ratio),
      },
      { question: "catalog, one a transaction", figure: files / median(seconds.single), unit: "files/s" },
    ];
  } finally {
    catalog.close();
  }
}
