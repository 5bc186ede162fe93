import type { Volume } from "../domain/card.ts";
import { Failure } from "../domain/failure.ts";

/** One file that brings nothing may lie on a bad spot; with two in a row it is the card. */
const SILENT_FILES = 2;

/**
 * Follows the reads of one card: passes their outcomes on, and throws `card-unresponsive` instead of waiting for each of a
 * thousand files when the card has fallen silent.
 */
export function openListener({ label }: Volume) {
  let silent = 0;
  return async <Reply>(read: () => Promise<Reply>): Promise<Reply> => {
    try {
      const reply = await read();
      silent = 0;
      return reply;
    } catch (error) {
      const isSilent = error instanceof Failure && error.code === "file-silent";
      // An error is an answer, too.
      silent = isSilent ? silent + 1 : 0;
      if (silent < SILENT_FILES) throw error;
      throw new Failure(
        "card-unresponsive",
        `The card ${label} does not respond: ${silent} files in a row brought nothing.`,
        { cause: error },
      );
    }
  };
}
