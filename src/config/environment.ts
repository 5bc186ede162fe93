/** The environment of this process, as it is now. The only place that reads it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Whether a terminal may be written to in color (no-color.org; a dumb terminal knows none). */
export function wantsColor(from: Readonly<Record<string, string | undefined>>): boolean {
  return (from["NO_COLOR"] ?? "") === "" && from["TERM"] !== "dumb";
}
