import type { VolumeId } from "../domain/card.ts";
import type { CardPath } from "../domain/card-path.ts";
import type { Connection } from "./open.ts";

/** Files of cards that are to be read again and compared, since they were read near an error. */
export function suspects(connection: Connection) {
  const all = connection
    .prepare<[string], Buffer>("SELECT path FROM suspect WHERE volume = ? ORDER BY path")
    .pluck();
  const put = connection.prepare<[string, Uint8Array]>(
    "INSERT OR IGNORE INTO suspect (volume, path) VALUES (?, ?)",
  );
  const drop = connection.prepare<[string, Uint8Array]>("DELETE FROM suspect WHERE volume = ? AND path = ?");
  return {
    suspects: (volume: VolumeId): readonly CardPath[] => all.all(volume),

    suspect: (volume: VolumeId, paths: readonly CardPath[]): void =>
      connection
        .transaction(() => {
          for (const path of paths) put.run(volume, path);
        })
        .immediate(),

    unsuspect: (volume: VolumeId, paths: readonly CardPath[]): void =>
      connection
        .transaction(() => {
          for (const path of paths) drop.run(volume, path);
        })
        .immediate(),
  };
}
