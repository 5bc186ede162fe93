/** The environment of this process, as it is now. The only place that reads it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** The folder where whoever called us is: `systemd/ghostroll` has to start us in another one, and says so. */
export function calledFrom(): string {
  return process.env["CALLED_FROM"] ?? process.cwd();
}

/** What commands of the user get of it: enough to find programs and speak the user's language, and no secret. */
export function passedOn(): Readonly<Record<string, string>> {
  const names = ["PATH", "HOME", "USER", "LANG", "TZ"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Whether a terminal may be written to in color (no-color.org; a dumb terminal knows none). */
export function wantsColor(from: Readonly<Record<string, string | undefined>>): boolean {
  return (from["NO_COLOR"] ?? "") === "" && from["TERM"] !== "dumb";
}
