/** How a picture came to be, from its own metadata. Nothing in here says where or by whom. */
export interface Capture {
  /**
   * When, as the camera's clock showed it: milliseconds since 1970 as if the local time were UTC. `null` when nothing
   * trustworthy says it.
   */
  readonly takenMs: number | null;
  /** Offset of that clock from UTC in minutes, where the file says it. */
  readonly offsetMinutes: number | null;
  readonly takenFrom: "exif" | "file";
  readonly camera: string | null;
  readonly lens: string | null;
  /** For people: `1/250 s · f/2.8 · 35 mm · ISO 400`. */
  readonly exposure: string | null;
}

const EARLIEST_MS = Date.UTC(1990, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * Whether a date is believable at all. A camera without a clock says 1980; the box's own clock is no judge, since a
 * Raspberry Pi has none either, so only the century is checked.
 */
export function isTrustworthyDate(ms: number): boolean {
  return Number.isFinite(ms) && ms >= EARLIEST_MS && ms < LATEST_MS;
}

/** What is known of a file nobody could look into: its modification time, which cameras write in local time. */
export function captureFromFile(modifiedMs: number): Capture {
  return {
    takenMs: isTrustworthyDate(modifiedMs) ? modifiedMs : null,
    offsetMinutes: null,
    takenFrom: "file",
    camera: null,
    lens: null,
    exposure: null,
  };
}
