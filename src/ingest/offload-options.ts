import type { Sharing } from "../domain/session.ts";

/** `stat` trusts size and time; `sampled` also compares the first 64 KiB; `full` reads everything. */
export type Rescan = "stat" | "sampled" | "full";

export interface OffloadOptions {
  readonly rescan: Rescan;
  /** Files read from the card at once. */
  readonly readers: number;
  /** Space on the library's disk that is never used. */
  readonly reserveBytes: number;
  /** Whether the card is read a second time, to compare: it can be said to be safe to format only then. */
  readonly verifySource: boolean;
  /** Which gallery new sessions fill together with others; `null` gives each its own. */
  readonly sharing: Sharing | null;
}
