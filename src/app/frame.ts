import { bytesInWords, bytesOf, count, durationInWords, number } from "../domain/amounts.ts";
import { follow, type Progress, ratePerSecond, secondsLeft, type Trail } from "../domain/progress.ts";

/** What the last seconds looked like, for rates. */
export interface Trails {
  readonly bytes: Trail;
  readonly rendered: Trail;
  readonly uploaded: Trail;
}

export const NO_TRAILS: Trails = { bytes: [], rendered: [], uploaded: [] };

export function followAll(trails: Trails, now: Progress): Trails {
  return {
    bytes: follow(trails.bytes, now.nowMs, now.copiedBytes),
    rendered: follow(trails.rendered, now.nowMs, now.rendered),
    uploaded: follow(trails.uploaded, now.nowMs, now.uploaded),
  };
}

export interface Look {
  readonly columns: number;
  readonly useColor: boolean;
}

interface Row {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
  /** The most important first: a narrow terminal leaves out the last ones. */
  readonly facts: readonly (string | null)[];
}

const NAME_COLUMNS = 10;
/** Shorter ones say nothing, longer ones say no more. */
const MIN_BAR = 8;
const MAX_BAR = 28;
/** A quarter of the width leaves room for the facts; depending on them, bars would twitch as numbers grow. */
const BAR_SHARE = 4;
/** Longer ones are told in full at the end; a frame taller than the window could not be drawn over. */
const MAX_SENTENCE_LINES = 4;
/** Narrower terminals wrap: nothing useful fits. */
const MIN_COLUMNS = 20;

/** The picture of a moment: a few lines, none wider than the terminal. */
export function drawFrame(now: Progress, trails: Trails, look: Look): string[] {
  const width = Math.max(MIN_COLUMNS, look.columns) - 1; // Terminals differ in what a full last column does.
  const paint = look.useColor ? inColor : plainly;
  const rows = [cardRow(now, trails), ...(now.shownTotal > 0 ? deliveryRows(now, trails) : [])];
  const bar = Math.max(MIN_BAR, Math.min(MAX_BAR, Math.floor(width / BAR_SHARE)));
  return [
    "",
    paint("title", cut(`  ${visible(now.label)}`, width)),
    ...rows.map((row) => drawRow(row, bar, width, paint)),
    ...linkLine(now, width, paint),
    ...(now.failed > 0 ? [paint("warning", cut(`  ${failedInWords(now)}`, width))] : []),
    ...(now.sentence === null
      ? []
      : wrapped(visible(now.sentence), width - 2).map((line) => paint("title", `  ${line}`))),
  ];
}

/** Whether the link can be shown whole; a cut one would open nothing. */
export function fitsLink(link: string, columns: number): boolean {
  return columns - 1 >= 2 + NAME_COLUMNS + displayWidth(link);
}

export function failedInWords({ failed }: Progress): string {
  return failed === 1 ? "1 file could not be kept." : `${number(failed)} files could not be kept.`;
}

function cardRow(now: Progress, { bytes }: Trails): Row {
  const { foundFiles, foundBytes, copiedFiles, copiedBytes, duplicates } = now;
  if (now.isOffloaded)
    return {
      name: "Card",
      share: 1,
      facts: [
        `${count(copiedFiles, "file")}, ${bytesInWords(copiedBytes)}`,
        duplicates > 0 ? `${number(duplicates)} kept before` : null,
      ],
    };
  if (foundFiles === 0) return { name: "Card", share: 0, facts: ["looking at what is on it"] };
  const rate = ratePerSecond(bytes);
  const left = secondsLeft(bytes, foundBytes);
  return {
    name: "Card",
    share: share(copiedBytes, foundBytes),
    facts: [
      bytesOf(copiedBytes, foundBytes),
      left === null ? null : `${durationInWords(left)} left`,
      rate === null ? null : `${bytesInWords(rate)}/s`,
      `${number(copiedFiles)} of ${count(foundFiles, "file")}`,
    ],
  };
}

function deliveryRows(now: Progress, trails: Trails): Row[] {
  const { shownTotal, rendered, uploaded, published } = now;
  return [
    {
      name: "Pictures",
      share: share(rendered, shownTotal),
      facts: [ofTotal(rendered, shownTotal), remaining(trails.rendered, rendered, shownTotal)],
    },
    {
      name: "Uploads",
      share: share(uploaded, shownTotal),
      facts: [
        ofTotal(uploaded, shownTotal),
        remaining(trails.uploaded, uploaded, shownTotal),
        published > 0 && published < shownTotal ? `${number(published)} in the gallery` : null,
      ],
    },
  ];
}

function ofTotal(done: number, total: number): string {
  return done >= total ? number(total) : `${number(done)} of ${number(total)}`;
}

function remaining(trail: Trail, done: number, total: number): string | null {
  const left = secondsLeft(trail, total);
  return left === null || done >= total ? null : `${durationInWords(left)} left`;
}

function share(done: number, total: number): number {
  return total > 0 ? Math.min(1, done / total) : 0;
}

function linkLine(now: Progress, width: number, paint: Paint): string[] {
  if (now.link === null) return [];
  const isShown = fitsLink(now.link, width + 1);
  return [
    `  ${paint("faint", "Gallery".padEnd(NAME_COLUMNS))}${isShown ? paint("link", now.link) : cut("see the link above", width - 2 - NAME_COLUMNS)}`,
  ];
}

function drawRow({ name, share: done, facts }: Row, barColumns: number, width: number, paint: Paint): string {
  const room = width - 2 - NAME_COLUMNS - barColumns - 2;
  const head = `  ${paint("faint", name.padEnd(NAME_COLUMNS))}`;
  const shown = fitting(facts, room);
  if (shown === "") return head + cut(facts[0] ?? "", width - 2 - NAME_COLUMNS);
  const full = Math.floor(done * barColumns);
  const bar =
    paint(done >= 1 ? "done" : "moving", "━".repeat(full)) + paint("faint", "─".repeat(barColumns - full));
  return `${head}${bar}  ${shown}`;
}

const BETWEEN_FACTS = "   ";

function joined(facts: readonly (string | null)[]): string {
  return facts.filter((fact) => fact !== null).join(BETWEEN_FACTS);
}

/** As many facts as there is room for. */
function fitting(facts: readonly (string | null)[], room: number): string {
  let shown = joined(facts);
  for (let kept = facts.length; kept > 0 && shown.length > room; kept--)
    shown = joined(facts.slice(0, kept - 1));
  return shown;
}

type Style = "title" | "faint" | "moving" | "done" | "warning" | "link";
type Paint = (style: Style, text: string) => string;

/** SGR codes (ECMA-48, 8.3.117) that every theme keeps legible. */
const CODES: Readonly<Record<Style, string>> = {
  title: "1",
  faint: "2",
  moving: "36",
  done: "32",
  warning: "33",
  link: "4",
};

const inColor: Paint = (style, text) => (text === "" ? "" : `\u001b[${CODES[style]}m${text}\u001b[0m`);
const plainly: Paint = (_style, text) => text;

/** A card's label is what somebody wrote on it: control characters would move the cursor, or worse. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
}

const TWO_COLUMNS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}！-～]/u;

/** Columns a text takes, as terminals count them. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}/u.test(character)) continue;
    width += TWO_COLUMNS.test(character) ? 2 : 1;
  }
  return width;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  const shown = lines.slice(0, MAX_SENTENCE_LINES);
  if (lines.length > shown.length) shown.push(`${shown.pop()} …`);
  return shown.map((each) => cut(each, width));
}
