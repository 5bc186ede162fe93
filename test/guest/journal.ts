import { setTimeout as delay } from "node:timers/promises";

/** A line of the guest's journal. */
interface Entry {
  /** When it was written, on the guest's clock, since 1970. */
  readonly atMs: number;
  readonly unit: string;
  readonly text: string;
  /** What the daemon's log says in it, where it is the daemon's. */
  readonly said: Said | null;
}

interface Said {
  readonly level: string;
  readonly msg: string;
  readonly card?: string;
  readonly code?: string;
  readonly [field: string]: unknown;
}

/** What a test waits for: the start of a message of the daemon, with other fields of the same line. */
type Wanted = { readonly msg: string; readonly card?: string; readonly code?: string };

/** What `journalctl --output=json` says in a line; a message that is no text is a list of bytes. */
interface Line {
  readonly MESSAGE?: string | readonly number[] | null;
  /** What systemd says of a unit, and what a unit says itself. */
  readonly UNIT?: string;
  readonly _SYSTEMD_UNIT?: string;
  /** In µs since 1970. */
  readonly __REALTIME_TIMESTAMP: string;
}

export interface Journal {
  /** Takes a line of `journalctl --output=json`. */
  hear(line: string): void;
  /** Where it ends now. */
  mark(): number;
  since(mark: number): readonly Entry[];
  /** The first entry since a mark in which the daemon says that. Throws with all of the journal since when it does not. */
  until(mark: number, wanted: Wanted): Promise<Entry & { readonly said: Said }>;
}

/** Nothing waited for takes a tenth of that, on a machine that has time. */
const SAID_MS = 480_000;

export function openJournal(): Journal {
  const entries: Entry[] = [];
  const since = (mark: number) => entries.slice(mark);
  return {
    since,
    mark: () => entries.length,
    hear(line) {
      const { MESSAGE, _SYSTEMD_UNIT, UNIT, __REALTIME_TIMESTAMP } = JSON.parse(line) as Line;
      const text = typeof MESSAGE === "string" ? MESSAGE : "";
      const unit = UNIT ?? _SYSTEMD_UNIT ?? "kernel";
      entries.push({ atMs: Number(__REALTIME_TIMESTAMP) / 1000, unit, text, said: saidIn(text) });
    },
    async until(mark, wanted) {
      for (const untilMs = performance.now() + SAID_MS; ; await delay(10)) {
        for (const entry of since(mark)) if (says(entry, wanted)) return entry as Entry & { said: Said };
        if (performance.now() > untilMs)
          throw new Error(
            `It did not say ${JSON.stringify(wanted)} within ${SAID_MS} ms, but:\n${inWords(since(mark))}`,
          );
      }
    },
  };
}

function says({ said }: Entry, { msg, ...fields }: Wanted): boolean {
  if (said === null || !said.msg.startsWith(msg)) return false;
  return Object.entries(fields).every(([name, value]) => said[name] === value);
}

function inWords(entries: readonly Entry[]): string {
  return entries
    .map(({ atMs, unit, text }) => `${new Date(atMs).toISOString().slice(11, 23)} ${unit}: ${text}`)
    .join("\n");
}

function saidIn(text: string): Said | null {
  if (!text.startsWith('{"level"')) return null;
  try {
    return JSON.parse(text) as Said;
  } catch {
    return null;
  }
}
