import { fstatSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";
import { SLUGS_IN_TEXT } from "../domain/layout.ts";

export type { Logger } from "pino";

export interface LogOptions {
  readonly level: string;
  /** Where lines go; standard output unless told. */
  readonly out?: DestinationStream;
  /** Texts that must not appear in any line, whatever field they come in: access keys, tokens. */
  readonly secrets?: readonly (string | null)[];
  /** Whether the journal reads along, which takes a severity off the front of each line (sd-daemon(3)). */
  readonly isJournal?: boolean;
}

/** What syslog calls our levels: `journalctl --priority=err` finds errors by it. */
const SEVERITIES: Readonly<Record<string, string>> = { debug: "<7>", info: "<6>", warn: "<4>", error: "<3>" };

/** Whether standard output goes to the journal, by the variable that systemd sets (systemd.exec(5)). */
export function isJournal(variables: Readonly<Record<string, string | undefined>>): boolean {
  const { dev, ino } = fstatSync(1, { bigint: true });
  return variables["JOURNAL_STREAM"] === `${dev}:${ino}`;
}

/** What lets someone in who reads it, as it looks inside a line of JSON. The name stays, the value goes. */
const SECRETS: readonly RegExp[] = [
  // Signed links (SigV4) and those of our own web server: whoever has one sees the photos.
  /(X-Amz-(?:Signature|Security-Token|Credential)=)[^&"\\\s]+/gi,
  /([?&]s=)[^&"\\\s]+/g,
  /("(?:authorization|x-amz-security-token|secretAccessKey|sessionToken|accessKeyId)":")(?:[^"\\]|\\.)+/gi,
  // Ids of access keys (IAM User Guide, "unique identifiers"): long-term and temporary.
  /\b((?:AKIA|ASIA))[A-Z0-9]{16}\b/g,
];

/**
 * One JSON object a line, level as a word, and nothing before it where no journal takes that off. No line holds a key, a token,
 * the signature of a link, or the name of a gallery, which alone opens its pages where links bear no signature.
 */
export function openLog({ level, out, secrets = [], isJournal: isPrefixed = false }: LogOptions): Logger {
  const literal = secrets.filter((secret) => secret !== null && secret !== "") as string[];
  const written = literal.flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    errorKey: "error",
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => severityOf(line, isPrefixed) + redact(line, written) },
  };
  return out === undefined ? pino(options) : pino(options, out);
}

/** pino puts the level first. */
function severityOf(line: string, isPrefixed: boolean): string {
  return (isPrefixed && SEVERITIES[/^\{"level":"(\w+)"/.exec(line)?.[1] ?? ""]) || "";
}

function redact(line: string, written: readonly string[]): string {
  let clean = line;
  for (const secret of written) clean = clean.replaceAll(secret, HIDDEN);
  for (const pattern of SECRETS) clean = clean.replace(pattern, `$1${HIDDEN}`);
  return clean.replace(SLUGS_IN_TEXT, HIDDEN);
}

const HIDDEN = "(hidden)";
