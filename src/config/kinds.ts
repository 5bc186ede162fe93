import { isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { parseRecipient, recipientName } from "../domain/recipient.ts";

/** Where relative paths and `~` lead. */
export interface Place {
  readonly cwd: string;
  readonly homeDir: string;
}

/** What a setting may be: how its text is read, and what is allowed, in words that end a sentence. */
export interface Kind<T> {
  readonly allowed: string;
  /** Whether an empty text is a value; for the other kinds it means "not set here". */
  readonly mayBeEmpty: boolean;
  /** What people are shown of a text that may hold a secret, right or wrong; without it, the text itself. */
  shown?(text: string): string;
  schema(place: Place): v.GenericSchema<string, T>;
}

export function integer(min: number, max: number, unit = ""): Kind<number> {
  return {
    allowed: `a whole number${unit && ` of ${unit}`} from ${min} to ${max}`,
    mayBeEmpty: false,
    schema: () =>
      v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(min), v.maxValue(max)),
  };
}

/** The words people write in environment files. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

export const boolean: Kind<boolean> = {
  allowed: "true or false",
  mayBeEmpty: false,
  schema: () =>
    v.pipe(
      v.string(),
      v.toLowerCase(),
      v.check((text) => Object.hasOwn(BOOLEANS, text)),
      v.transform((text) => BOOLEANS[text] === true),
    ),
};

export function choice<const T extends string>(options: readonly T[]): Kind<T> {
  return {
    allowed: `${options.slice(0, -1).join(", ")} or ${options.at(-1)}`,
    mayBeEmpty: false,
    schema: () => v.pipe(v.string(), v.toLowerCase(), v.picklist(options)),
  };
}

export function text(allowed: string, pattern: RegExp, mayBeEmpty = false): Kind<string> {
  return {
    allowed,
    mayBeEmpty,
    schema: () =>
      v.pipe(
        v.string(),
        v.check((value) => (mayBeEmpty && value === "") || pattern.test(value)),
      ),
  };
}

/** A text or `null`, for things that are off when empty. */
export function optional(kind: Kind<string>): Kind<string | null> {
  return {
    allowed: `${kind.allowed}, or nothing`,
    mayBeEmpty: true,
    schema: (place) =>
      v.union([
        v.pipe(
          v.literal(""),
          v.transform(() => null),
        ),
        kind.schema(place),
      ]),
  };
}

/** A text that lets somebody in, or `null`; never shown. */
export function secret(allowed: string, pattern: RegExp): Kind<string | null> {
  return { ...optional(text(allowed, pattern)), shown: (value) => (value === "" ? "" : "(hidden)") };
}

/** Who is told, as written: numbers are personal, and some addresses are all it takes to write there. */
export const recipients: Kind<readonly string[]> = {
  allowed:
    "a list, separated by commas, of twilio:+4917012345678, sns:+4917012345678, ntfy:https://ntfy.sh/topic, telegram:<number of a chat>, webhook:https://… or command:/path/of/a/program, each with LABEL= before it to hear of that card only",
  mayBeEmpty: true,
  shown: (value) =>
    splitList(value)
      .map((item) => {
        const recipient = parseRecipient(item);
        if (recipient === null) return "(not understood)";
        return `${recipient.label === null ? "" : `${recipient.label}=`}${recipientName(recipient)}`;
      })
      .join(", "),
  schema: () =>
    v.pipe(
      v.string(),
      v.transform(splitList),
      v.everyItem((item) => parseRecipient(item) !== null),
    ),
};

/** An absolute path; relative ones begin in the working directory, `~` is the home directory. */
export const path: Kind<string> = {
  allowed: "a path",
  mayBeEmpty: false,
  schema: (place) => v.pipe(v.string(), v.check(isPath), v.transform(absoluteFrom(place))),
};

export const paths: Kind<readonly string[]> = {
  allowed: "paths separated by commas",
  mayBeEmpty: false,
  schema: (place) =>
    v.pipe(
      v.string(),
      v.transform(splitList),
      v.minLength(1),
      v.everyItem(isPath),
      v.transform((list) => list.map(absoluteFrom(place))),
    ),
};

export const names: Kind<readonly string[]> = {
  allowed: "names separated by commas",
  mayBeEmpty: true,
  schema: () => v.pipe(v.string(), v.transform(splitList)),
};

/** An address without a trailing slash; one with a password in it is refused, since addresses are shown and logged. */
export const address: Kind<string> = {
  allowed: "an address that begins with http:// or https://, without a user name or password",
  mayBeEmpty: false,
  schema: () =>
    v.pipe(
      v.string(),
      v.check(isPlainAddress),
      v.transform((value) => value.replace(/\/+$/, "")),
    ),
};

function isPlainAddress(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function isPath(value: string): boolean {
  return value !== "" && !value.includes("\0");
}

function absoluteFrom({ cwd, homeDir }: Place): (value: string) => string {
  return (value) => {
    if (value === "~" || value.startsWith("~/")) return join(homeDir, value.slice(1));
    return isAbsolute(value) ? resolve(value) : resolve(cwd, value);
  };
}

function splitList(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
