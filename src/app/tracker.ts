import { bytesInWords, count } from "../domain/amounts.ts";
import { isShown } from "../domain/media.ts";
import type { Progress } from "../domain/progress.ts";
import { formatInWords, removalInWords } from "../domain/safety.ts";
import type { Told } from "../ingest/report.ts";

export interface Tracker {
  hear(told: Told): void;
  /** How far things are now. */
  look(): Progress;
  /** What was read of the card so far, to look at known files again or to copy new ones. */
  bytesRead(): number;
}

/** Adds up what the story tells into one picture of how far it is; without `hasLink` no link is in it. */
export function track(label: string, hasLink = true, now: () => number = () => performance.now()): Tracker {
  const startedMs = now();
  const counts = { foundFiles: 0, foundBytes: 0, copiedFiles: 0, copiedBytes: 0, duplicates: 0, failed: 0 };
  const shown = { shownTotal: 0, rendered: 0, uploaded: 0, published: 0 };
  let sampledBytes = 0;
  let againBytes = 0;
  let link: string | null = null;
  let isOffloaded = false;
  let sentence: string | null = null;
  /** What is said besides of what is done last; that the card may be pulled is still what somebody at the machine waits for. */
  let last: string | null = null;
  return {
    hear(told) {
      switch (told.kind) {
        case "listed":
          counts.foundFiles = told.fresh.length;
          counts.foundBytes = told.fresh.reduce((sum, file) => sum + file.sizeBytes, 0);
          break;
        case "settled":
          for (const outcome of told.outcomes) {
            counts.copiedFiles++;
            counts.copiedBytes += outcome.file.sizeBytes;
            if (outcome.to === "duplicate") counts.duplicates++;
            if (outcome.to === "failed") counts.failed++;
            if (outcome.to === "stored" && isShown(outcome.copy.media.kind)) shown.shownTotal++;
          }
          break;
        case "offloaded":
          isOffloaded = true;
          sentence = removalInWords(told.removal);
          break;
        case "rendered":
          shown.rendered += told.files;
          break;
        case "uploaded":
          shown.uploaded += told.files;
          break;
        case "published":
          shown.published = told.tiles;
          // Those of an earlier run are in the gallery too.
          shown.shownTotal = Math.max(shown.shownTotal, told.tiles);
          // What cannot be shown, and a RAW that its JPEG stands for, is not to come any more.
          if (told.isComplete) shown.shownTotal = told.tiles;
          if (hasLink) link = told.link;
          break;
        case "sampled":
          sampledBytes += told.bytes;
          break;
        case "read-again":
          againBytes += told.bytes;
          sentence = "Reading the card a second time, to compare.";
          break;
        case "originals":
          last = null;
          sentence = `${told.uploaded} of ${count(told.total, "original")} in the bucket.`;
          break;
        case "certified":
          if (told.format?.length === 0) sentence = formatInWords(told.format);
          break;
        case "zipping":
          last = `Everything is in the gallery; what guests download at once is made, ${bytesInWords(told.bytes)}.`;
          break;
        case "zips-put-off":
        case "session":
        case "delivering":
          break;
      }
    },
    bytesRead: () => sampledBytes + againBytes + counts.copiedBytes,
    look: () => ({
      label,
      ...counts,
      ...shown,
      isOffloaded,
      link,
      sentence: [sentence, last].filter((part) => part !== null).join(" ") || null,
      startedMs,
      nowMs: now(),
    }),
  };
}
