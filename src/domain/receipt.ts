import { bytesInWords, count } from "./amounts.ts";
import type { ContentHash } from "./hash.ts";
import type { CopyPlace, RemovalFacts, Verdict } from "./safety.ts";
import { doubtsOfRemoval, formatInWords, removalInWords } from "./safety.ts";

/** What was on a card and what became of it, to be kept beside the originals. */
export interface Receipt {
  readonly card: string;
  readonly session: string;
  /** Milliseconds since 1970 by the clock of this machine, which may be wrong: a Raspberry Pi has none of its own. */
  readonly writtenMs: number;
  readonly files: readonly ReceiptLine[];
  /** What is not kept, by name, with the reason. */
  readonly troubles: readonly { readonly name: string; readonly reason: string }[];
  readonly removal: RemovalFacts;
  readonly format: Verdict;
}

interface ReceiptLine {
  /** Path on the card, as shown to people. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: ContentHash;
  /** Where it is kept, below the library's root; `null` when it is no longer there as it was. */
  readonly path: string | null;
  readonly places: readonly CopyPlace[];
  /** What reading it from the card once more gave; `null` when that was not done. */
  readonly isSameAgain: boolean | null;
}

/** For programs: `receipt.json`. */
export function receiptJson(receipt: Receipt): string {
  const { removal, format, writtenMs, ...rest } = receipt;
  const verdict = (doubts: Verdict) => ({ isSafe: doubts.length === 0, doubts });
  return `${JSON.stringify(
    {
      version: 1,
      ...rest,
      written: new Date(writtenMs).toISOString(),
      removal: verdict(doubtsOfRemoval(removal)),
      format: verdict(format),
    },
    null,
    1,
  )}\n`;
}

/** For people: `receipt.txt`. The lines of files can be fed to nothing: `SHA256SUMS` beside it is what `sha256sum -c` reads. */
export function receiptText(receipt: Receipt): string {
  const { card, session, writtenMs, files, troubles, removal, format } = receipt;
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const lines = [
    `What GhostRoll found on the card ${card}, and where it is kept`,
    "",
    `Session ${session}, written ${new Date(writtenMs).toISOString().slice(0, 16).replace("T", " ")} UTC by the clock of this machine.`,
    `${count(files.length, "file")} kept, ${bytesInWords(bytes)}.`,
    removalInWords({ ...removal, unmount: "not-ours" }),
    formatInWords(format),
    "",
    ...troubles.map(({ name, reason }) => `NOT KEPT  ${name}: ${reason}`),
    ...(troubles.length > 0 ? [""] : []),
    ...files.map(lineOf),
  ];
  return `${lines.join("\n")}\n`;
}

function lineOf({ name, sizeBytes, sha256, path, places, isSameAgain }: ReceiptLine): string {
  const again = isSameAgain === null ? "" : isSameAgain ? ", read twice" : ", DIFFERENT when read again";
  return `${name}\n  ${sizeBytes} bytes, sha256 ${sha256}\n  ${path ?? "not as it was kept"} (${places.join(" and ") || "nowhere"}${again})`;
}
