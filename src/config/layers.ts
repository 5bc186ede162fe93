import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";

const PREFIX = "GHOSTROLL_";
/** Names a further file of settings; it cannot itself stand in one. */
const ENV_FILE = "ENV_FILE";

type Variables = Readonly<Record<string, string | undefined>>;

/** Settings as they were written in one place, by name without prefix. Earlier layers win. */
export interface Layer {
  readonly origin: "flag" | "environment" | ".env";
  /** Where that is, in words that follow a key in a message. */
  readonly place: string;
  readonly texts: ReadonlyMap<string, string>;
  /** Everything else there; AWS credentials are taken from it. */
  readonly variables: Variables;
}

export interface Sources {
  /** `--set KEY=VALUE`, with or without the prefix. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Variables;
  readonly cwd: string;
  /** Whether nothing but the flags counts: neither the environment nor any file of settings is looked at. */
  readonly isFlagsOnly?: boolean;
}

export interface Gathered {
  readonly layers: readonly Layer[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Collects what is written where: flags, the environment, the file `GHOSTROLL_ENV_FILE` names, `.env` where we stand. */
export function gather({ flags, environment, cwd, isFlagsOnly = false }: Sources): Gathered {
  if (isFlagsOnly) return { layers: [flagLayer(flags)], problems: [], warnings: [] };
  const problems: string[] = [];
  const warnings: string[] = [];
  const named = environment[PREFIX + ENV_FILE] ?? "";
  const files = [
    ...(named === "" ? [] : [{ file: resolve(cwd, named), isNeeded: true }]),
    { file: resolve(cwd, ".env"), isNeeded: false },
  ];
  const seen = new Set<string>();
  const layers = [flagLayer(flags), layer("environment", "in the environment", environment)];
  for (const { file, isNeeded } of files) {
    if (seen.has(file)) continue;
    seen.add(file);
    try {
      const variables = parseEnv(readFileSync(file, "utf8"));
      layers.push(layer(".env", `in ${file}`, variables));
      const warning = warnOfReaders(file, variables);
      if (warning !== null) warnings.push(warning);
    } catch (error) {
      if (!isNeeded && codeOf(error) === "ENOENT") continue;
      problems.push(`${file} cannot be read (${codeOf(error)}).`);
    }
  }
  return { layers, problems, warnings };
}

function flagLayer(flags: Readonly<Record<string, string>>): Layer {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(flags)) texts.set(withoutPrefix(key.toUpperCase()), value);
  return { origin: "flag", place: "on the command line", texts, variables: {} };
}

function layer(origin: Layer["origin"], place: string, variables: Variables): Layer {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(variables)) {
    if (value === undefined || !key.startsWith(PREFIX)) continue;
    if (key === PREFIX + ENV_FILE && origin === "environment") continue;
    texts.set(withoutPrefix(key), value.trim());
  }
  return { origin, place, texts, variables };
}

function withoutPrefix(key: string): string {
  return key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
}

const SECRET_NAMES = [
  "AWS_SECRET_ACCESS_KEY",
  "GHOSTROLL_PRESIGN_SECRET_ACCESS_KEY",
  "GHOSTROLL_TWILIO_AUTH_TOKEN",
  "GHOSTROLL_NTFY_TOKEN",
  "GHOSTROLL_TELEGRAM_TOKEN",
  "GHOSTROLL_WEBHOOK_SECRET",
];

/** Group or others may read it. */
const READABLE_BY_OTHERS = 0o044;

function warnOfReaders(file: string, variables: Variables): string | null {
  if (SECRET_NAMES.every((name) => (variables[name] ?? "") === "")) return null;
  if ((statSync(file).mode & READABLE_BY_OTHERS) === 0) return null;
  return `Others on this machine can read the secret key in ${file}. Run: chmod 600 '${file}'`;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}
