import type { Session, SessionId } from "../domain/session.ts";

/** Who may see galleries, and by which links. */
export interface PublicationsPort {
  /** Whether nobody may see the gallery of this name any more. */
  isRevoked(slug: string): boolean;
  /** Complete galleries in this store that guests may see, which links their pages hold, and when the one ends that was given. */
  published(): readonly {
    readonly session: Session;
    readonly signedWith: string | null;
    readonly linkEndsMs: number | null;
  }[];
  linksPut(session: SessionId, signedWith: string, linkEndsMs: number | null): void;
  /** Revoked galleries of which something may be left in this store. */
  toTakeDown(): readonly { readonly slug: string; readonly session: Session }[];
  /** Must be called only when nothing is left, and the session's record says that it is revoked. */
  tookDown(slug: string): void;
}
