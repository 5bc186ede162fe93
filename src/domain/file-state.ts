/**
 * What is durably true of a file found on a card. Written only after its effect is on disk, so there is no "in progress"
 * and nothing to clean up after a crash. `npm test` compares this table with the CHECK in the catalog.
 */
const NEXT_STATES = {
  /** Seen on the card. */
  found: ["stored", "duplicate", "failed"],
  /** Complete in the library, proved by a cold read, under its final name, its directory synced. */
  stored: ["rendered"],
  /** Every rendition that can be made is made; for some files that is none. Back to `stored` when a person has it tried again. */
  rendered: ["uploaded", "stored"],
  /** Every rendition is in the store, checked there. Back to `rendered` when the gallery moves to another store. */
  uploaded: ["published", "rendered", "stored"],
  /** What guests should see of it is in a gallery that opens. */
  published: ["rendered", "stored"],
  /** Its content was in the library already, checked on disk. */
  duplicate: [],
  /** Named as failed; the next insertion of the card tries it again. */
  failed: ["found"],
} as const satisfies Record<string, readonly string[]>;

export type FileState = keyof typeof NEXT_STATES;

export const FILE_STATES = Object.keys(NEXT_STATES) as readonly FileState[];

/** Whether the table allows this move. */
export function mayBecome(from: FileState, to: FileState): boolean {
  return (NEXT_STATES[from] as readonly FileState[]).includes(to);
}
