import { encode } from "uqr";

export interface QrOptions {
  /** Width of the terminal. */
  readonly columns: number;
  /** Whether colors may be used; without them the code is right only on a dark background. */
  readonly useColor: boolean;
}

/** The quiet zone a code needs around it, in modules (ISO/IEC 18004, 6.3.8). */
const QUIET_MODULES = 4;
/** 77 modules: denser ones are hard to catch from a screen with half a character a module. */
const MAX_VERSION = 15;

/** Black on white whatever the colors of the terminal: many phones do not read a code with light and dark swapped. */
const BLACK_ON_WHITE = "\u001b[38;5;16;48;5;231m";
const PLAIN = "\u001b[0m";

/**
 * A QR code of a link in half blocks, two rows of modules a line, with its quiet zone. `null` when it would not fit the
 * width, since a wrapped one is useless, or when the link is too long for a phone to read it from a terminal.
 */
export function qrText(link: string, { columns, useColor }: QrOptions): string | null {
  const { data, size, version } = encode(link, { ecc: "L", boostEcc: true, border: QUIET_MODULES });
  if (size > columns || version > MAX_VERSION) return null;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    const upper = data[row] ?? [];
    const lower = data[row + 1] ?? [];
    const cells = upper.map((isDark, column) =>
      block(isDark === useColor, (lower[column] ?? false) === useColor),
    );
    lines.push(useColor ? `${BLACK_ON_WHITE}${cells.join("")}${PLAIN}` : cells.join(""));
  }
  return lines.join("\n");
}

/** The foreground draws the dark modules where we chose the colors, and the light ones on a dark terminal. */
function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}
