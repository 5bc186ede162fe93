import { parseArgs } from "node:util";
import { RESCANS } from "../config/settings.ts";
import { Failure } from "../domain/failure.ts";
import { nearest } from "../domain/nearest.ts";
import { COMMANDS, type CommandHelp, type CommandName, helpFor, OPTIONS, type OptionName } from "./help.ts";

/** Settings given on the command line, for `loadSettings`. */
type Overrides = Readonly<Record<string, string>>;

/** What a person asked for. */
export type Command =
  | {
      readonly name: "ingest";
      /** As typed; relative to the working directory. */
      readonly path: string;
      /** `null` when nothing was said. */
      readonly serve: boolean | null;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | { readonly name: "watch"; readonly settings: Overrides }
  | {
      readonly name: "demo";
      /** Pictures to use instead of drawn ones. */
      readonly card: string | null;
      readonly serve: boolean;
      readonly settings: Overrides;
    }
  | { readonly name: "status" | "sessions" | "config"; readonly json: boolean; readonly settings: Overrides }
  | {
      readonly name: "verify";
      /** Reads one part of so many. */
      readonly share: number;
      readonly isRepairing: boolean;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | {
      readonly name: "rebuild";
      readonly isReading: boolean;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | {
      readonly name: "retry";
      /** Name of one session; `null` for all. */
      readonly session: string | null;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | {
      readonly name: "link";
      readonly session: string;
      /** Whom to send it to. */
      readonly text: string | null;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | {
      readonly name: "share";
      readonly session: string;
      readonly isRenewing: boolean;
      readonly text: string | null;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | {
      readonly name: "revoke";
      readonly session: string;
      readonly json: boolean;
      readonly settings: Overrides;
    }
  | { readonly name: "backup" | "doctor"; readonly json: boolean; readonly settings: Overrides }
  | {
      readonly name: "install" | "uninstall";
      /** Only says what it would do. */
      readonly isDryRun: boolean;
      /** Another root than `/`, where files are put but nothing is started. */
      readonly root: string | null;
    }
  | { readonly name: "help"; readonly text: string }
  | { readonly name: "version" };

/** Reads the arguments after the program's name. Throws `usage` with a sentence that says what to type instead. */
export function parseCommand(argv: readonly string[]): Command {
  const { words, options } = read(argv);
  const [first, ...rest] = words;
  if (first === "help")
    return { name: "help", text: helpFor(rest[0] === undefined ? null : commandNamed(rest[0])) };
  const name = first === undefined ? null : commandNamed(first);
  if (options.has("help") || (name === null && !options.has("version")))
    return { name: "help", text: helpFor(name) };
  if (name === null || options.has("version")) return { name: "version" };
  refuseForeign(name, options);
  const path = pathOf(name, rest);
  const settings = overrides(options);
  const json = options.has("json");
  switch (name) {
    case "ingest":
      return { name, path, serve: serveOf(options), json, settings };
    case "demo":
      return { name, card: options.get("card")?.at(-1) ?? null, serve: serveOf(options) ?? true, settings };
    case "watch":
      return { name, settings };
    case "install":
    case "uninstall":
      return { name, isDryRun: options.has("dry-run"), root: options.get("root")?.at(-1) ?? null };
    case "verify":
      return { name, share: shareOf(options), isRepairing: options.has("repair"), json, settings };
    case "retry":
      return { name, session: path === "" ? null : path, json, settings };
    case "link":
      return { name, session: path, text: options.get("text")?.at(-1) ?? null, json, settings };
    case "share":
      return {
        name,
        session: path,
        isRenewing: options.has("renew"),
        text: options.get("text")?.at(-1) ?? null,
        json,
        settings,
      };
    case "revoke":
      return { name, session: path, json, settings };
    case "rebuild":
      return { name, isReading: options.has("verify"), json, settings };
    case "status":
    case "sessions":
    case "backup":
    case "doctor":
    case "config":
      return { name, json, settings };
  }
}

type Given = ReadonlyMap<OptionName, readonly string[]>;

/** Splits words from options. node:util's own messages are for programmers, so it only makes the tokens. */
function read(argv: readonly string[]): { words: readonly string[]; options: Given } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(OPTIONS).map(([name, { value, short }]) => [
        name,
        { type: value === null ? "boolean" : "string", multiple: true, ...(short === null ? {} : { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const options = new Map<OptionName, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    if (!isOption(token.name)) throw unknownOption(token.rawName);
    const { value: placeholder } = OPTIONS[token.name];
    if (placeholder === null && token.value !== undefined)
      throw new Failure("usage", `${token.rawName} takes no value.`);
    if (placeholder !== null && (token.value === undefined || isNextOption(token)))
      throw new Failure("usage", `${token.rawName} needs a value: \`${token.rawName} ${placeholder}\`.`);
    // What a shell makes of a variable that is not set; taken for "not given", it would lead to another library.
    if (token.value === "")
      throw new Failure("usage", `${token.rawName} is empty: \`${token.rawName} ${placeholder}\`.`);
    options.set(token.name, [...(options.get(token.name) ?? []), token.value ?? ""]);
  }
  return { words, options };
}

/** `--card --no-serve` forgot the folder; a value that begins with a dash is written `--card=-odd`. */
function isNextOption({
  value,
  inlineValue,
}: {
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}) {
  return inlineValue === false && value !== undefined && value.startsWith("-");
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

function unknownOption(rawName: string): Failure {
  const meant = nearest(rawName.replace(/^-+/, ""), Object.keys(OPTIONS));
  return new Failure(
    "usage",
    `There is no option ${rawName}${meant === null ? "." : `; did you mean --${meant}?`}`,
  );
}

function commandNamed(word: string): CommandName {
  if (Object.hasOwn(COMMANDS, word)) return word as CommandName;
  const meant = nearest(word, Object.keys(COMMANDS));
  // Someone who types a folder means the one command that takes one.
  const guess = meant ?? (/[/.]/.test(word) ? `ingest ${word}` : null);
  throw new Failure(
    "usage",
    `There is no command "${word}"${guess === null ? "." : `; did you mean \`ghostroll ${guess}\`?`}`,
  );
}

function refuseForeign(name: CommandName, options: Given): void {
  const commands: Readonly<Record<CommandName, CommandHelp>> = COMMANDS;
  for (const option of options.keys()) {
    if (commands[name].options.includes(option)) continue;
    const owners = Object.entries(commands).filter(([, command]) => command.options.includes(option));
    throw new Failure(
      "usage",
      `--${option} does not belong to ${name}, but to: ${owners.map(([owner]) => owner).join(", ")}.`,
    );
  }
}

function pathOf(name: CommandName, words: readonly string[]): string {
  const { argument }: CommandHelp = COMMANDS[name];
  const [path, surplus] = words;
  if (argument === null && path !== undefined)
    throw new Failure("usage", `${name} takes no further word, but got "${path}".`);
  const isNeeded = argument !== null && !argument.startsWith("[");
  if (isNeeded && (path === undefined || path === ""))
    throw new Failure(
      "usage",
      argument === "SESSION"
        ? `Say which session, as in \`ghostroll ${name} last\`; \`ghostroll sessions\` lists them.`
        : `Say which card or folder, as in \`ghostroll ${name} /media/CARD\`.`,
    );
  if (surplus !== undefined)
    throw new Failure(
      "usage",
      `${name} takes one ${argument === "PATH" ? "folder" : "session"} at a time, but got "${surplus}" too. Quote names with spaces.`,
    );
  return path ?? "";
}

function serveOf(options: Given): boolean | null {
  if (options.has("serve") && options.has("no-serve"))
    throw new Failure("usage", "--serve and --no-serve contradict each other: give one.");
  return options.has("serve") ? true : options.has("no-serve") ? false : null;
}

/** The options that are settings under a shorter name, and `--set` for every other one. The last one wins. */
function overrides(options: Given): Overrides {
  const settings: Record<string, string> = {};
  for (const pair of options.get("set") ?? []) {
    const [, key, value] = /^(?:GHOSTROLL_)?(\w+)=(.*)$/is.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      throw new Failure("usage", `--set takes KEY=VALUE, as in --set RESERVE_MB=1000, but got "${pair}".`);
    settings[key.toUpperCase()] = value;
  }
  const baseDir = options.get("base-dir")?.at(-1);
  if (baseDir !== undefined) settings["BASE_DIR"] = baseDir;
  const port = options.get("port")?.at(-1);
  if (port !== undefined) settings["WEB_PORT"] = portNamed(port);
  const rescan = options.get("rescan")?.at(-1);
  if (rescan !== undefined) settings["RESCAN"] = rescanNamed(rescan);
  const gallery = options.get("gallery")?.at(-1);
  if (gallery !== undefined) settings["GALLERY"] = gallery;
  if (options.has("verify-source")) settings["VERIFY_SOURCE"] = "true";
  return settings;
}

/** A month of nights. */
const DEFAULT_SHARE = 30;

function shareOf(options: Given): number {
  const text = options.get("share")?.at(-1);
  if (options.has("all") && text !== undefined)
    throw new Failure("usage", "--all and --share contradict each other: give one.");
  if (options.has("all")) return 1;
  if (text === undefined) return DEFAULT_SHARE;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new Failure("usage", `--share is a number from 1 (everything) to 99999, but got "${text}".`);
}

function portNamed(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new Failure("usage", `--port is a number from 0 (any free one) to 65535, but got "${text}".`);
}

function rescanNamed(text: string): string {
  if (RESCANS.some((rescan) => rescan === text)) return text;
  const meant = nearest(text, RESCANS);
  throw new Failure(
    "usage",
    `--rescan is ${RESCANS.join(", ")}, but got "${text}"${meant === null ? "." : `; did you mean ${meant}?`}`,
  );
}
