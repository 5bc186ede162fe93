import { count } from "./amounts.ts";

/** Where a proved copy of an original can be. Two of them fail independently only when they are different places. */
export type CopyPlace = "library" | "second disk" | "bucket";

/** What was found out about a card at the end of its offload. */
export interface RemovalFacts {
  /** A second listing showed the same as the first. */
  readonly isSameListing: boolean;
  /** Regular files on the card. */
  readonly foundFiles: number;
  /** Of those, the ones whose content is in the library, proved, with a committed row. */
  readonly keptFiles: number;
  /** What is named as not kept: unreadable files, and whatever is no file. */
  readonly failed: readonly string[];
  /** `not-ours`: it was mounted by somebody else, or is a folder; nothing of ours holds it. */
  readonly unmount: "done" | "not-ours" | "failed";
  /** Whether copies in the library are read back from its disk, or only from memory, since its filesystem gives nothing else. */
  readonly proof: "cold" | "cached";
}

/** What was found out besides when the card was checked for being formatted. */
export interface FormatFacts extends RemovalFacts {
  /** Every original of the card, with the places that hold a proved copy of it now. */
  readonly originals: readonly { readonly name: string; readonly places: readonly CopyPlace[] }[];
  /**
   * What reading the card once more gave. `cached`: it could not be read past the memory of this machine, which proves
   * nothing of the card.
   */
  readonly source: "equal" | "different" | "cached" | "not-read";
}

export type Doubt =
  | "listing-changed"
  | "files-missing"
  | "files-failed"
  | "unmount-failed"
  | "card-empty"
  | "one-copy"
  | "source-not-read"
  | "source-cached"
  | "source-different";

/** Why something is not said, each as a sentence. None: it is said. */
export type Verdict = readonly { readonly doubt: Doubt; readonly sentence: string }[];

/** Names said aloud before the rest is only counted: they have to fit into a text message. */
const NAMED_AT_MOST = 5;

/** What stands against taking the card out for good. It depends on neither network, nor pictures, nor a second disk. */
export function doubtsOfRemoval(facts: RemovalFacts): Verdict {
  const { isSameListing, foundFiles, keptFiles, failed, unmount } = facts;
  return [
    ...when(
      !isSameListing,
      "listing-changed",
      "The card changed while it was read: run it again before you take it out.",
    ),
    ...when(failed.length > 0, "files-failed", failuresInWords(keptFiles, failed)),
    ...when(
      foundFiles > keptFiles + failed.length,
      "files-missing",
      `${count(foundFiles - keptFiles - failed.length, "file")} of ${foundFiles} not kept yet: run it again before you take the card out.`,
    ),
    ...when(
      unmount === "failed",
      "unmount-failed",
      "The card could not be unmounted: close what uses it before you take it out.",
    ),
  ];
}

/** Whether nothing is left to do with a card: everything on it is kept, or named as what cannot be. */
export function isRemovable(facts: RemovalFacts): boolean {
  return doubtsOfRemoval(facts).every(({ doubt }) => doubt === "files-failed");
}

/** What stands against formatting the card, which GhostRoll itself never does. */
export function doubtsOfFormat(facts: FormatFacts): Verdict {
  const { originals, source } = facts;
  const once = originals.filter(({ places }) => new Set(places).size < 2).length;
  const gone = facts.foundFiles - facts.failed.length - originals.length;
  return [
    ...doubtsOfRemoval(facts),
    ...when(
      gone > 0 && facts.keptFiles > originals.length,
      "files-missing",
      `${count(gone, "file")} of the card cannot be found in the library any more: insert it again.`,
    ),
    ...when(originals.length === 0, "card-empty", "There is not a single file of the card in the library."),
    ...when(
      once > 0,
      "one-copy",
      `${once} of ${count(originals.length, "file")} without a second copy, proved, on another disk or in a bucket.`,
    ),
    ...when(
      source === "not-read",
      "source-not-read",
      "The card was not read a second time: insert it again with --verify-source.",
    ),
    ...when(
      source === "cached",
      "source-cached",
      "The card could be read again only from memory, which proves nothing of the card.",
    ),
    ...when(
      source === "different",
      "source-different",
      "The card gave other bytes when it was read again: clean its contacts or try another reader.",
    ),
  ];
}

/** What is told of a card that is kept, or why it is not. What is not proved is not called safe. */
export function removalInWords(facts: RemovalFacts): string {
  const doubts = doubtsOfRemoval(facts);
  if (doubts.length > 0) return sentences(doubts);
  const isOut = facts.unmount === "done";
  if (facts.proof === "cached")
    return `Every file on the card is kept${isOut ? ", and the card can be taken out" : ""}. The copies were read back from memory only: the filesystem of the library gives nothing else.`;
  const kept = "every file on the card is kept, proved by reading the copy back.";
  return isOut ? `Safe to remove: ${kept}` : `E${kept.slice(1)}`;
}

export function formatInWords(verdict: Verdict): string {
  if (verdict.length > 0) return `Not yet safe to format. ${sentences(verdict)}`;
  return "Safe to format: every file is kept twice, each copy proved, and the card read again gave the same. GhostRoll itself never formats it.";
}

/** `37 of 40 kept; 3 unreadable: A.JPG, B.JPG, C.JPG.` */
function failuresInWords(keptFiles: number, failed: readonly string[]): string {
  const named = failed.slice(0, NAMED_AT_MOST).join(", ");
  const rest = failed.length > NAMED_AT_MOST ? ` and ${failed.length - NAMED_AT_MOST} more` : "";
  return `${keptFiles} of ${keptFiles + failed.length} kept; ${failed.length} unreadable: ${named}${rest}.`;
}

function sentences(verdict: Verdict): string {
  return verdict.map(({ sentence }) => sentence).join(" ");
}

function when(isSo: boolean, doubt: Doubt, sentence: string): Verdict {
  return isSo ? [{ doubt, sentence }] : [];
}
