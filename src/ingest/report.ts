import type { CardFile } from "../domain/card.ts";
import type { Failure } from "../domain/failure.ts";
import type { RemovalFacts, Verdict } from "../domain/safety.ts";
import type { Session } from "../domain/session.ts";
import type { Settled } from "./ports.ts";

/** What the story tells while it goes on. Told only after it is durably true. */
export type Told =
  | {
      readonly kind: "listed";
      /** How many there are. */
      readonly files: number;
      readonly fresh: readonly CardFile[];
    }
  | { readonly kind: "sampled"; readonly bytes: number }
  | { readonly kind: "session"; readonly session: Session }
  | { readonly kind: "settled"; readonly outcomes: readonly Settled[] }
  | { readonly kind: "read-again"; readonly files: number; readonly bytes: number }
  | { readonly kind: "offloaded"; readonly removal: RemovalFacts }
  | {
      readonly kind: "certified";
      readonly card: string;
      readonly format: Verdict | null;
      readonly uncopied: Failure | null;
    }
  | { readonly kind: "delivering"; readonly session: Session }
  | { readonly kind: "rendered"; readonly files: number }
  | { readonly kind: "uploaded"; readonly files: number; readonly objects: number; readonly bytes: number }
  /** Of the originals that go to the store. */
  | { readonly kind: "originals"; readonly uploaded: number; readonly total: number }
  | {
      readonly kind: "published";
      readonly session: Session;
      readonly link: string;
      readonly tiles: number;
      readonly isComplete: boolean;
    }
  | { readonly kind: "zipping"; readonly session: Session; readonly zips: number; readonly bytes: number }
  | { readonly kind: "zips-put-off"; readonly session: Session; readonly bytes: number };

export type Report = (told: Told) => void;
