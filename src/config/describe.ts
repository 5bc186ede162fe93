import type { Kind } from "./kinds.ts";
import { SETTING_NAMES, SETTINGS } from "./settings.ts";
import type { Settings } from "./slices.ts";

export interface DescribedSetting {
  readonly key: string;
  /** For people; secrets are masked. */
  readonly value: string;
  readonly origin: string;
  readonly meaning: string;
}

/** Every setting with its value, where that comes from, and what it is for. No secret is in it. */
export function describeSettings(settings: Settings): readonly DescribedSetting[] {
  const rows = SETTING_NAMES.map((name) => ({
    key: `GHOSTROLL_${name}`,
    value: shown(SETTINGS[name].kind, inWords(settings.values[name])),
    origin: settings.origins[name],
    meaning: SETTINGS[name].meaning,
  }));
  return [...rows, ...describeCredentials(settings)];
}

function shown(kind: Kind<unknown>, value: string): string {
  return kind.shown?.(value) ?? value;
}

function inWords(value: string | number | boolean | null | readonly string[]): string {
  if (value === null) return "";
  return Array.isArray(value) ? value.join(",") : String(value);
}

function describeCredentials({ store: { credentials }, credentialsOrigin: origin }: Settings) {
  const row = (key: string, value: string, meaning: string) => ({ key, value, origin, meaning });
  if (credentials === null)
    return [row("AWS_ACCESS_KEY_ID", "", "Not set: the AWS SDK looks in its own places (profile, role).")];
  const { accessKeyId, sessionToken } = credentials;
  return [
    row("AWS_ACCESS_KEY_ID", mask(accessKeyId), "Which key the bucket is reached with."),
    row("AWS_SECRET_ACCESS_KEY", "(hidden)", "Its secret."),
    ...(sessionToken === null ? [] : [row("AWS_SESSION_TOKEN", "(hidden)", "Its token; links die with it.")]),
  ];
}

/** Four characters are enough to tell one's keys apart (they have sixteen or more), and too few to use one. */
function mask(key: string): string {
  return key.length < 16 ? "(hidden)" : `…${key.slice(-4)}`;
}
