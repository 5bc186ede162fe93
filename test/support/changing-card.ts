import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Summary } from "../../src/app/summary.ts";
import { picture } from "./card.ts";
import { hashesBelow } from "./invariants.ts";

/** What people are told when they may go away with the card. */
const ALL_KEPT = /Every file on the card is kept|"isRemovable": ?true/;

/** The first number of pictures that are shot later; no card of a test begins there. */
const SHOT_LATER = 5000;
/** A camera's list of what is on the card: written again when it is switched on, with the same bytes. */
export const INDEX_FILE = "MISC/AUTPRINT.MRK";

/** A card that goes back into the camera between two insertions. It has an `INDEX_FILE`. */
export function changingCard(root: string) {
  const ever = new Set<string>();
  let shots = 0;
  let now: ReadonlyMap<string, string> = new Map();

  return {
    /** Every content that was on it at one of the looks: whatever else is in a library was made up. */
    ever: ever as ReadonlySet<string>,

    /** Notes what is on it now. */
    async look(): Promise<void> {
      now = await hashesBelow(root);
      for (const hash of now.values()) ever.add(hash);
    },

    /** What was on it at the last look: contents, and files with them. */
    contents: (): ReadonlySet<string> => new Set(now.values()),
    files: (): number => now.size,

    /**
     * Two pictures more; two others are now different ones of the same size and time, as after a reset of the camera's clock
     * and counter; the camera's index has a new time and nothing else.
     */
    async change(): Promise<void> {
      for (const _ of [1, 2]) {
        shots++;
        const at = join(root, `DCIM/100CANON/NEW_${String(shots).padStart(4, "0")}.JPG`);
        await writeFile(at, await picture(SHOT_LATER + shots));
      }
      const pictures = [...now.keys()].filter((path) => path.endsWith(".JPG"));
      for (const _ of [1, 2]) {
        const path = pictures.splice(randomInt(pictures.length), 1)[0] ?? "";
        const [bytes, { atime, mtime }] = [await readFile(path), await stat(path)];
        // In the name of the camera: a bit of the picture itself may make a marker, and then it is damaged.
        const at = bytes.toString("latin1").search(/Cam[a-z]{3}\0/);
        assert.ok(at > 0, `${path} does not name its camera`);
        bytes.write(
          Array.from({ length: 3 }, () => "abcdefghijklmnopqrstuvwxyz"[randomInt(26)]).join(""),
          at + 3,
        );
        await writeFile(path, bytes);
        await utimes(path, atime, mtime);
      }
      const later = new Date(Date.UTC(2026, 6, 1, 10, shots));
      await utimes(join(root, INDEX_FILE), later, later);
    },

    /** Whoever says that every file is kept has to have what was on the card at the last look, in rows and in files. */
    assertKept(said: string, kept: ReadonlySet<string>): void {
      if (!ALL_KEPT.test(said)) return;
      for (const [path, hash] of now)
        assert.ok(kept.has(hash), `${path} is not kept, and it was said that every file is:\n${said}`);
    },

    /**
     * What a run that has ended well comes to: each file of the card has its newest row with the content it has now, no row is for
     * anything else, and what is said adds up. A path that had another content in an earlier session is counted there as well.
     */
    assertCounted(
      { foundFiles, knownFiles, kept, duplicates, failed, sessions }: Summary,
      base: string,
    ): void {
      assert.equal(foundFiles, knownFiles + kept + duplicates + failed, "the counts add up");
      const catalog = new Database(join(base, "ghostroll.db"), { readonly: true });
      try {
        const rows = catalog
          .prepare(
            "SELECT CAST(path AS TEXT) AS path, hash, name FROM card_file JOIN session ON session.id = session ORDER BY card_file.id",
          )
          .all() as { path: string; hash: string; name: string }[];
        const newest = new Map(rows.map(({ path, hash }) => [join(root, path), hash]));
        assert.deepEqual(newest, new Map(now), "each file has a row, and no other has");
        const counted = rows.filter(({ name }) => sessions.includes(name));
        assert.equal(kept + duplicates + failed, counted.length, "as many as its sessions have rows");
        if (rows.length === now.size) assert.equal(foundFiles, now.size, "as many as there are files");
      } finally {
        catalog.close();
      }
    },
  };
}
