import type { Settings } from "../config/slices.ts";

/** What a command may use of the world outside. */
export interface Context {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly cwd: string;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly useColor: boolean;
  /** Settings with these of the command line on top. Throws `settings-invalid`. */
  settings(overrides: Readonly<Record<string, string>>): Settings;
  /** The defaults for this machine with these on top: nothing that anybody has set up here. Throws `settings-invalid`. */
  ownSettings(overrides: Readonly<Record<string, string>>): Settings;
}

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Width where a terminal does not tell; what it prints must not wrap at 80. */
export const DEFAULT_COLUMNS = 80;

export function say(out: Terminal, ...lines: readonly string[]): void {
  out.write(lines.map((line) => `${line}\n`).join(""));
}

/** Until the process is asked to end. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
