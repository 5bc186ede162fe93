import type { VolumeId } from "./card.ts";
import type { CardPath } from "./card-path.ts";
import { pathKey } from "./card-path.ts";
import type { FailureCode } from "./failure.ts";
import { FAILURES } from "./failure.ts";
import type { ContentHash } from "./hash.ts";
import { contentHash } from "./hash.ts";
import type { Media } from "./media.ts";
import type { Session } from "./session.ts";

/** What became of a file of the card. */
export type RecordedFate =
  | {
      readonly to: "kept";
      readonly hash: ContentHash;
      /** SHA-256 of the first 64 KiB; `null` when it is no longer known. */
      readonly headHash: string | null;
      /** Its path below the library's root and what it is; `null` when its content is now kept by another session. */
      readonly original: { readonly path: string; readonly media: Media } | null;
    }
  | { readonly to: "duplicate"; readonly hash: ContentHash; readonly headHash: string | null }
  | { readonly to: "failed"; readonly code: FailureCode; readonly reason: string };

export interface RecordedFile {
  /** True name on the card, as bytes. */
  readonly path: CardPath;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly fate: RecordedFate;
}

/** All the catalog knows of a session that cannot be found out again from its files: what `ghostroll rebuild` reads. */
export interface SessionRecord {
  readonly session: Session;
  readonly files: readonly RecordedFile[];
  /** Names of its galleries that nobody may see any more; the one it has now may be among them. */
  readonly revoked?: readonly string[];
}

/** The same before it is written: the files of a large card need not be in memory all at once. */
export interface UnwrittenRecord {
  readonly session: Session;
  readonly files: Iterable<RecordedFile>;
  readonly revoked?: readonly string[];
}

/** Grows when an old GhostRoll could no longer read it. */
const FORMAT = 1;

/** The text of a `session.json` in pieces: one line a file, so that people can read and compare it. */
export function* writeSessionRecord({ session, files, revoked = [] }: UnwrittenRecord): Generator<string> {
  const { id, name, slug, volume, label, day, isOffloaded, sharing } = session;
  const facts = { format: FORMAT, id, name, slug, volume, label, day, isOffloaded, ...sharing };
  const head = JSON.stringify({ ...facts, ...(revoked.length > 0 && { revoked }) }, null, 2);
  yield `${head.slice(0, -2)},\n  "files": [`;
  let before = "\n";
  for (const file of files) {
    yield `${before}    ${JSON.stringify(plain(file))}`;
    before = ",\n";
  }
  yield before === "\n" ? "]\n}\n" : "\n  ]\n}\n";
}

const SLUG = /^[\w-]{22}$/;

/** Reads a `session.json` back; `null` unless it is whole and every value in it can be: a guess would be worse than none. */
export function parseSessionRecord(text: string): SessionRecord | null {
  try {
    const raw = JSON.parse(text) as Raw;
    if (raw["format"] !== FORMAT || !Array.isArray(raw["files"])) return null;
    const session: Session = {
      id: whole(raw["id"], 1) as Session["id"],
      name: matching(raw["name"], /^\d{4,}-[0-9a-f]{4}$/),
      slug: matching(raw["slug"], SLUG),
      volume: matching(raw["volume"], /./s) as VolumeId,
      label: matching(raw["label"], /^/),
      day: matching(raw["day"], /^(\d{4}-\d\d-\d\d|undated)$/),
      isOffloaded: raw["isOffloaded"] === true,
      sharing:
        raw["gallery"] === undefined
          ? null
          : {
              gallery: matching(raw["gallery"], /./),
              station: matching(raw["station"], /^[a-z0-9-]{1,64}$/),
            },
    };
    const revoked = ((raw["revoked"] ?? []) as unknown[]).map((slug) => matching(slug, SLUG));
    return { session, files: (raw["files"] as Raw[]).map(recordedFile), revoked };
  } catch {
    return null;
  }
}

type Raw = Readonly<Record<string, unknown>>;

function plain({ path, sizeBytes, modifiedMs, fate }: RecordedFile) {
  return { ...plainPath(path), sizeBytes, modifiedMs, ...fate };
}

/** As text where the bytes are UTF-8, as base64 where they are not. */
function plainPath(path: CardPath): { path: string } | { pathBase64: string } {
  try {
    return { path: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(path) };
  } catch {
    return { pathBase64: btoa(pathKey(path)) };
  }
}

function recordedFile(raw: Raw): RecordedFile {
  const path =
    raw["pathBase64"] === undefined
      ? new TextEncoder().encode(matching(raw["path"], /./s))
      : Uint8Array.from(atob(matching(raw["pathBase64"], /./)), (character) => character.charCodeAt(0));
  return {
    path,
    sizeBytes: whole(raw["sizeBytes"], 0),
    modifiedMs: whole(raw["modifiedMs"], Number.NEGATIVE_INFINITY),
    fate: recordedFate(raw),
  };
}

function recordedFate(raw: Raw): RecordedFate {
  if (raw["to"] === "failed")
    return {
      to: "failed",
      code: Object.hasOwn(FAILURES, String(raw["code"])) ? (raw["code"] as FailureCode) : "file-unreadable",
      reason: matching(raw["reason"], /./s),
    };
  const hash = contentHash(String(raw["hash"]));
  const headHash = raw["headHash"] === null ? null : matching(raw["headHash"], /^[0-9a-f]{64}$/);
  if (raw["to"] === "duplicate") return { to: "duplicate", hash, headHash };
  if (raw["to"] !== "kept") throw new TypeError(`no fate: ${String(raw["to"])}`);
  const original = raw["original"] as Raw | null;
  if (original === null) return { to: "kept", hash, headHash, original };
  const media = original["media"] as Raw;
  return {
    to: "kept",
    hash,
    headHash,
    original: {
      path: matching(original["path"], /^originals(\/(?!\.\.?(\/|$))[^/]+)+$/),
      media: {
        kind: matching(media["kind"], /^(picture|raw|heic|video|audio|sidecar|other)$/) as Media["kind"],
        contentType: matching(media["contentType"], /^[a-z]+\/[\w.+-]+$/),
      },
    },
  };
}

function matching(value: unknown, pattern: RegExp): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new TypeError(`unexpected ${String(value)}`);
  return value;
}

function whole(value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || Number(value) < least)
    throw new TypeError(`unexpected ${String(value)}`);
  return Number(value);
}
