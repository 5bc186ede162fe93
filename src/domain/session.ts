import type { VolumeId } from "./card.ts";
import type { FailureCode } from "./failure.ts";

/** Counts up by one a session and never comes from a clock: a Raspberry Pi may wake up in 1970. */
export type SessionId = number & { readonly __brand: "SessionId" };

/** A gallery that several stations fill, and under which name this one does. */
export interface Sharing {
  /** What people call it; the same name is the same gallery. */
  readonly gallery: string;
  /** Unlike that of any other station: what it publishes is under this name, and no other station writes there. */
  readonly station: string;
}

/** One insertion of a card with something new on it. */
export interface Session {
  readonly id: SessionId;
  /** Folder name in the library: the number and four random letters, so that a lost catalog never reuses one. */
  readonly name: string;
  readonly volume: VolumeId;
  /** What people call the card. */
  readonly label: string;
  /** `yyyy-mm-dd` of the newest file, or `undated`. */
  readonly day: string;
  /** Name of its gallery: 128 random bits in 22 characters, so that a link cannot be guessed. */
  readonly slug: string;
  /** `null` when it has a gallery of its own. Until the stations have agreed on it, `slug` leads nowhere. */
  readonly sharing: Sharing | null;
  /** Whether everything on the card is kept or named as failed. */
  readonly isOffloaded: boolean;
}

/** A session as it is remembered. */
export interface PastSession extends Session {
  /** Whether its gallery opens and says that it is complete. */
  readonly isPublished: boolean;
  /** What stopped it last; `null` when nothing did, or it has gone on since. Of what a kill has stopped, `interrupted`, from the next start on. */
  readonly waitsFor: FailureCode | null;
  /** When the link ends that guests were given last, in milliseconds since 1970; `null` when it does not. */
  readonly linkEndsMs: number | null;
  /** Whether nobody may see its gallery. */
  readonly isRevoked: boolean;
  /** Whether it is not taken down yet all the same. */
  readonly isStanding: boolean;
}

/** What became of the files of one session. `found = kept + duplicates + failed` once it is offloaded. */
export interface Tally {
  readonly found: number;
  readonly kept: number;
  readonly duplicates: number;
  readonly failed: number;
  /** Of the kept: pictures of which no picture could be made. */
  readonly damaged: number;
  /** Of the kept: how many have reached each later state. */
  readonly rendered: number;
  readonly uploaded: number;
  readonly published: number;
  readonly keptBytes: number;
}

/** Throws when a file of an offloaded session is unaccounted for, which is a bug and must not be told as success. */
export function assertAddsUp({ found, kept, duplicates, failed }: Tally): void {
  if (found !== kept + duplicates + failed)
    throw new Error(`${found} files found, but ${kept} kept, ${duplicates} duplicates and ${failed} failed`);
}

/** A file that is not all right, with the reason in words. */
export interface Trouble {
  /** Its path on the card: cameras give one name in every folder. */
  readonly name: string;
  readonly reason: string;
}

/** What a gallery is called when nobody gave it a title: its name when it is shared, else the card and the day of its newest picture. */
export function defaultTitle({ label, day, sharing }: Pick<Session, "label" | "day" | "sharing">): string {
  if (sharing !== null) return sharing.gallery;
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return label;
  const words = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
  return `${label}, ${new Intl.DateTimeFormat("en-GB", words).format(date)}`;
}

/** The folder name of a session in the library. */
export function sessionName(id: number, random: string): string {
  return `${String(id).padStart(4, "0")}-${random}`;
}
