/** One answer, as a line of the table. */
export interface Row {
  readonly question: string;
  readonly figure: number;
  readonly unit: string;
  /** What was measured beside it in the same run, and how many times of that the figure is. */
  readonly against?: { readonly what: string; readonly ratio: number };
  readonly goal?: Goal;
}

export interface Goal {
  readonly words: string;
  readonly isMet: boolean;
}

/** A goal that is met by this value or a smaller one. */
export function atMost(limit: number, value: number, unit = "×"): Goal {
  return { words: `≤ ${limit} ${unit}`, isMet: value <= limit };
}

/** A goal that is met by this value or a larger one. */
export function atLeast(limit: number, value: number, unit = "×"): Goal {
  return { words: `≥ ${limit} ${unit}`, isMet: value >= limit };
}

const HEADINGS = ["question", "figure", "unit", "compared with", "ratio", "goal", ""];
/** Numbers are read from their right end. */
const RIGHT = new Set([1, 4]);

/** The rows as aligned text, a line each. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return lines.map((cells) => cells.map(pad).join("  ").trimEnd()).join("\n");
}

function cellsOf({ question, figure, unit, against, goal }: Row): string[] {
  return [
    question,
    inDigits(figure),
    unit,
    against?.what ?? "",
    against === undefined ? "" : against.ratio.toFixed(2),
    goal?.words ?? "",
    goal === undefined ? "" : goal.isMet ? "ok" : "missed",
  ];
}

/** Three digits that count: the rest is noise. */
function inDigits(figure: number): string {
  if (Math.abs(figure) >= 100 || Number.isInteger(figure)) return String(Math.round(figure));
  return figure.toFixed(Math.abs(figure) >= 10 ? 1 : 2);
}
