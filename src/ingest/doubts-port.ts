import type { VolumeId } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import type { SessionId, Trouble } from "../domain/session.ts";

/** What is written down of cards that do not give everything, or perhaps not the same bytes twice. */
export interface DoubtsPort {
  /** Paths of a session's files that are named as failed. */
  failedFiles(session: SessionId): readonly CardPath[];
  troubles(session: SessionId): readonly Trouble[];
  /** Names a file that its card gave differently when it was read again. */
  doubt(session: SessionId, path: CardPath, reason: string): void;
  /** A file that its card once gave differently was read again, and is what is kept. */
  undoubt(volume: VolumeId, path: CardPath): void;
  /** Files of a card that were read near an error and have to be read again, whichever process had read them. */
  suspects(volume: VolumeId): readonly CardPath[];
  suspect(volume: VolumeId, paths: readonly CardPath[]): void;
  /** They were compared, or are not there any more. */
  unsuspect(volume: VolumeId, paths: readonly CardPath[]): void;
}
