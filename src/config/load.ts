import { availableParallelism, hostname } from "node:os";
import * as v from "valibot";
import { Failure } from "../domain/failure.ts";
import { nearest } from "../domain/nearest.ts";
import { findCredentials, halfKeys } from "./credentials.ts";
import type { Kind, Place } from "./kinds.ts";
import { gather, type Layer, type Sources } from "./layers.ts";
import { PROFILES } from "./profiles.ts";
import { RETIRED } from "./retired.ts";
import {
  type Default,
  type Known,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type Values,
} from "./settings.ts";
import { bucketOnly, impossibleSharing, pointlessSharing } from "./sharing.ts";
import { type Settings, slice } from "./slices.ts";
import { missingAccounts, unreachableLinks } from "./texts.ts";

/** What defaults depend on besides other settings. */
export interface Machine {
  readonly coreCount: number;
  readonly availableBytes: number;
  /** As the system gives it; this machine's own when left out. */
  readonly hostName?: string;
}

type Origin = Layer["origin"] | "profile" | "default";

/**
 * Reads every setting: flags over the environment over `.env` over the profile over defaults. The result is frozen. Throws
 * `settings-invalid` with every problem there is, one line each.
 */
export function loadSettings(
  sources: Sources & Pick<Place, "homeDir">,
  machine: Machine = thisMachine(),
): Settings {
  const { layers, ...gathered } = gather(sources);
  const found = findCredentials(layers);
  const problems = [...gathered.problems, ...found.problems, ...layers.flatMap(unknownNames)];
  const warnings = [...gathered.warnings, ...found.warnings, ...layers.flatMap(retiredNames)];

  const texts: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const hostName = stationName(machine.hostName ?? hostname());
  const known: Known = { ...machine, hostName, awsRegion: found.region, textOf: (name) => texts[name] ?? "" };
  for (const name of SETTING_NAMES) {
    const kind: Kind<unknown> = SETTINGS[name].kind;
    const { text, origin, place } = choose(name, layers, known);
    const read = v.safeParse(kind.schema(sources), text);
    if (read.success) values[name] = read.output;
    else
      problems.push(
        `GHOSTROLL_${name} is ${quote(kind.shown?.(text) ?? text)} ${place}; allowed is ${kind.allowed}.`,
      );
    texts[name] = typeof values[name] === "string" ? values[name] : text;
    origins[name] = origin;
  }
  if (problems.length === 0) problems.push(...contradictions(values as Values));
  if (problems.length > 0) throw new Failure("settings-invalid", problems.join("\n"));
  warnings.push(...pointless(values as Values));
  return deepFreeze({
    ...slice(values as Values, found.credentials),
    values: values as Values,
    origins: origins as Record<SettingName, Origin>,
    credentialsOrigin: found.origin,
    warnings,
  });
}

function thisMachine(): Machine {
  // os.cpus() is empty under systemd's ProcSubset=pid; availableMemory() knows the limit of our cgroup.
  return { coreCount: availableParallelism(), availableBytes: process.availableMemory() };
}

/** A host name as a station may be called; some have dots, or letters that do not belong in a key. */
function stationName(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/\..*/, "")
    .replace(/[^a-z0-9-]+/g, "-");
  return plain.replace(/^-+/, "").slice(0, 32) || "station";
}

interface Chosen {
  readonly text: string;
  readonly origin: Origin;
  readonly place: string;
}

/** The text of a setting from the first place that has one. */
function choose(name: SettingName, layers: readonly Layer[], known: Known): Chosen {
  for (const { origin, place, texts } of layers) {
    const text = texts.get(name);
    // Whoever types an empty value means something by it, or a variable of their shell is not set.
    const isSilent = text === "" && origin !== "flag" && !SETTINGS[name].kind.mayBeEmpty;
    if (text === undefined || isSilent) continue;
    return { text, origin, place };
  }
  const profile = Object.entries(PROFILES).find(([profileName]) => profileName === known.textOf("PROFILE"));
  const preset = profile?.[1][name];
  if (preset !== undefined)
    return { text: resolveDefault(preset, known), origin: "profile", place: "in the profile" };
  return { text: resolveDefault(SETTINGS[name].default, known), origin: "default", place: "by default" };
}

function resolveDefault(from: Default, known: Known): string {
  return typeof from === "string" ? from : from.from(known);
}

function isKnown(name: string): boolean {
  return Object.hasOwn(SETTINGS, name) || Object.hasOwn(RETIRED, name);
}

function unknownNames({ place, texts }: Layer): string[] {
  const names = [...texts.keys()].filter((name) => !isKnown(name));
  return names.map((name) => {
    const meant = nearest(name, SETTING_NAMES);
    return `GHOSTROLL_${name} ${place} is no setting${meant === null ? "" : `; did you mean GHOSTROLL_${meant}?`}`;
  });
}

function retiredNames({ place, texts }: Layer): string[] {
  const names = [...texts.keys()].filter((name) => Object.hasOwn(RETIRED, name));
  return names.map((name) => `GHOSTROLL_${name} ${place} has no effect. ${RETIRED[name]}`);
}

/** Values that are allowed each by itself, but not together. */
function contradictions(values: Values): string[] {
  const {
    THUMB_MAX_LONG_EDGE: thumb,
    SHARE_MAX_LONG_EDGE: share,
    SECOND_DIR: second,
    BASE_DIR: base,
    DROP_DIR: drop,
    MOUNT_ROOTS: roots,
  } = values;
  const problems: string[] = [];
  if (thumb > share)
    problems.push(
      `GHOSTROLL_THUMB_MAX_LONG_EDGE is ${thumb}, allowed is at most GHOSTROLL_SHARE_MAX_LONG_EDGE (${share}).`,
    );
  if (second !== null && overlap(second, base))
    problems.push(
      `GHOSTROLL_SECOND_DIR is ${second}, which overlaps the library in ${base}; name a folder on another disk.`,
    );
  const around = drop === null ? undefined : [base, ...roots].find((place) => overlap(drop, place));
  if (around !== undefined)
    problems.push(
      `GHOSTROLL_DROP_DIR is ${drop}, which overlaps ${around}: what comes there would be taken twice; name a folder of its own.`,
    );
  problems.push(...missingAccounts(values), ...impossibleSharing(values), ...halfKeys(values));
  return problems;
}

function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

function isWithin(path: string, folder: string): boolean {
  return `${path}/`.startsWith(`${folder.replace(/\/$/, "")}/`);
}

function pointless(values: Values): string[] {
  return [...bucketOnly(values), ...unreachableLinks(values), ...pointlessSharing(values)];
}

/** Long enough to recognize, short enough for one line. */
const QUOTED_CHARACTERS = 80;

function quote(text: string): string {
  const shown = text.replace(/\/\/[^/@]*@/, "//…@"); // A password in an address is as secret as one anywhere.
  return JSON.stringify(shown.length > QUOTED_CHARACTERS ? `${shown.slice(0, QUOTED_CHARACTERS)}…` : shown);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
