import { bytesInWords, bytesOf, count, durationInWords, number } from "../domain/amounts.ts";
import { type Progress, ratePerSecond, secondsLeft } from "../domain/progress.ts";
import { drawFrame, failedInWords, fitsLink, followAll, NO_TRAILS, visible } from "./frame.ts";

export interface DisplayOptions {
  readonly out: { write(text: string): unknown };
  readonly isTty: boolean;
  /** Width at this moment: people resize windows. */
  readonly columns: () => number;
  readonly useColor: boolean;
}

/** Shows a person how far a card is. */
export interface Display {
  update(now: Progress): void;
  /** A line that stays. */
  note(line: string): void;
  /** Shows the last state and leaves it standing. Nothing is written afterwards. */
  close(): void;
}

/** Live on a terminal, plain lines at milestones elsewhere. */
export function openDisplay(options: DisplayOptions): Display {
  return options.isTty ? openLive(options) : openPlain(options);
}

/** Ten times a second looks smooth; more only costs a Raspberry Pi the time it needs for pictures. */
const FRAME_MS = 100;

const UP = (lines: number) => (lines > 0 ? `\u001b[${lines}A\r` : "\r");
const CLEAR_BELOW = "\u001b[0J";
const CLEAR_LINE_END = "\u001b[K";

function openLive({ out, columns, useColor }: DisplayOptions): Display {
  let latest: Progress | null = null;
  let trails = NO_TRAILS;
  let shownLines = 0;
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let notedLink: string | null = null;

  // One write a frame, each line overwritten in place: clearing first would flicker.
  const draw = (above: readonly string[] = []) => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    drawnAtMs = performance.now();
    const lines = latest === null ? [] : drawFrame(latest, trails, { columns: columns(), useColor });
    const text = [...above, ...lines].map((line) => `${line}${CLEAR_LINE_END}\n`).join("");
    out.write(`${UP(shownLines)}${text}${CLEAR_BELOW}`);
    shownLines = lines.length;
  };

  return {
    update(now) {
      if (isClosed) return;
      latest = now;
      trails = followAll(trails, now);
      if (now.link !== null && now.link !== notedLink && !fitsLink(now.link, columns())) {
        notedLink = now.link;
        draw(["", now.link]);
        return;
      }
      const waitMs = drawnAtMs + FRAME_MS - performance.now();
      if (waitMs <= 0) draw();
      else timer ??= setTimeout(draw, waitMs).unref();
    },
    note(line) {
      if (!isClosed) draw([visible(line)]);
    },
    close() {
      if (isClosed) return;
      if (timer !== null) draw();
      isClosed = true;
    },
  };
}

/** Without news for a minute, people wonder whether it hangs. */
const SILENCE_MS = 60_000;
const QUARTERS = 4;

function openPlain({ out }: DisplayOptions): Display {
  let before: Progress | null = null;
  let trails = NO_TRAILS;
  let spokenMs: number | null = null;
  let isClosed = false;

  return {
    update(now) {
      if (isClosed) return;
      trails = followAll(trails, now);
      spokenMs ??= now.nowMs;
      const isDue = now.nowMs - spokenMs >= SILENCE_MS;
      const lines = milestones(
        before,
        now,
        isDue,
        ratePerSecond(trails.bytes),
        secondsLeft(trails.bytes, now.foundBytes),
      );
      before = now;
      if (lines.length > 0) spokenMs = now.nowMs;
      for (const line of lines) out.write(`${visible(`${now.label}: ${line}`)}\n`);
    },
    note(line) {
      if (!isClosed) out.write(`${visible(line)}\n`);
    },
    close() {
      isClosed = true;
    },
  };
}

/** What has happened since the last moment that is worth a line. */
function milestones(
  before: Progress | null,
  now: Progress,
  isDue: boolean,
  bytesPerSecond: number | null,
  left: number | null,
): string[] {
  const lines: string[] = [];
  if (now.foundFiles > 0 && (before?.foundFiles ?? 0) === 0)
    lines.push(`${count(now.foundFiles, "file")}, ${bytesInWords(now.foundBytes)} to read.`);
  const isReading = now.copiedBytes > 0 && now.copiedBytes < now.foundBytes;
  if (isReading && (isDue || isNextQuarter(before?.copiedBytes, now.copiedBytes, now.foundBytes))) {
    const facts = [`${bytesOf(now.copiedBytes, now.foundBytes)} read`];
    if (bytesPerSecond !== null) facts.push(`${bytesInWords(bytesPerSecond)}/s`);
    if (left !== null) facts.push(`${durationInWords(left)} left`);
    lines.push(`${facts.join(", ")}.`);
  }
  if (now.isOffloaded && before?.isOffloaded !== true) lines.push(offloadedInWords(now));
  if (now.link !== null && now.link !== before?.link) lines.push(`gallery ${now.link}`);
  const isShowing = now.shownTotal > 0 && now.published > (before?.published ?? 0);
  if (isShowing && (isDue || isNextQuarter(before?.published, now.published, now.shownTotal)))
    lines.push(`${number(now.published)} of ${number(now.shownTotal)} in the gallery.`);
  if (now.sentence !== null && now.sentence !== before?.sentence) lines.push(now.sentence);
  return lines;
}

function offloadedInWords(now: Progress): string {
  const took = durationInWords((now.nowMs - now.startedMs) / 1000);
  const known = now.duplicates > 0 ? `, ${number(now.duplicates)} kept before` : "";
  const read = `${count(now.copiedFiles, "file")}, ${bytesInWords(now.copiedBytes)} read in ${took}${known}.`;
  return now.failed > 0 ? `${read} ${failedInWords(now)}` : read;
}

function isNextQuarter(before = 0, now: number, total: number): boolean {
  return Math.floor((before / total) * QUARTERS) < Math.floor((now / total) * QUARTERS);
}
