import type { Layer } from "./layers.ts";
import type { Values } from "./settings.ts";

/** Keys for the bucket. Secret: shown nowhere, written nowhere. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken: string | null;
}

export interface FoundCredentials {
  /** `null` when none are written down: the AWS SDK then looks in its own places (profile, instance role). */
  readonly credentials: Credentials | null;
  readonly origin: Layer["origin"] | "default";
  readonly region: string | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const KEY_ID = "AWS_ACCESS_KEY_ID";
const SECRET = "AWS_SECRET_ACCESS_KEY";
const TOKEN = "AWS_SESSION_TOKEN";
const REGIONS = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const UNDERSTOOD = new Set([KEY_ID, SECRET, TOKEN, ...REGIONS]);

/**
 * Takes access keys from the first place that has any, all of them from that one: a key of one account with the token of
 * another would only be refused by the store, without a word why.
 */
export function findCredentials(layers: readonly Layer[]): FoundCredentials {
  const problems: string[] = [];
  const region = layers.map(({ variables }) => firstOf(variables, REGIONS)).find((text) => text !== null);
  const source = layers.find(({ variables }) => firstOf(variables, [KEY_ID, SECRET]) !== null);
  const accessKeyId = source && firstOf(source.variables, [KEY_ID]);
  const secretAccessKey = source && firstOf(source.variables, [SECRET]);
  let credentials: Credentials | null = null;
  if (source && accessKeyId && secretAccessKey)
    credentials = { accessKeyId, secretAccessKey, sessionToken: firstOf(source.variables, [TOKEN]) };
  else if (source) {
    const [given, missing] = accessKeyId ? [KEY_ID, SECRET] : [SECRET, KEY_ID];
    problems.push(`${missing} is missing ${source.place}: it belongs to the ${given} there.`);
  }
  return {
    credentials,
    origin: credentials && source ? source.origin : "default",
    region: region ?? null,
    problems,
    warnings: layers.flatMap(warnOfUnread),
  };
}

/** Keys that only sign links; `null` when those for the bucket do it. */
export function linkCredentials(values: Values) {
  const { PRESIGN_ACCESS_KEY_ID: accessKeyId, PRESIGN_SECRET_ACCESS_KEY: secretAccessKey } = values;
  return accessKeyId === null || secretAccessKey === null ? null : { accessKeyId, secretAccessKey };
}

/** One half of a key signs nothing. */
export function halfKeys(values: Values): string[] {
  const [id, secret] = ["GHOSTROLL_PRESIGN_ACCESS_KEY_ID", "GHOSTROLL_PRESIGN_SECRET_ACCESS_KEY"];
  if ((values.PRESIGN_ACCESS_KEY_ID === null) === (values.PRESIGN_SECRET_ACCESS_KEY === null)) return [];
  const [given, missing] = values.PRESIGN_SECRET_ACCESS_KEY === null ? [id, secret] : [secret, id];
  return [`${missing} is missing: it belongs to ${given}.`];
}

/** The SDK reads its variables from the process, never from our file. */
function warnOfUnread({ origin, place, variables }: Layer): string[] {
  if (origin !== ".env") return [];
  return Object.keys(variables)
    .filter((key) => key.startsWith("AWS_") && !UNDERSTOOD.has(key))
    .map((key) => `${key} has no effect ${place}: set it in the environment of the process.`);
}

function firstOf(variables: Layer["variables"], keys: readonly string[]): string | null {
  for (const key of keys) {
    const text = variables[key]?.trim() ?? "";
    if (text !== "") return text;
  }
  return null;
}
