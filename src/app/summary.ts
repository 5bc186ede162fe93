import { allAre, bytesInWords, count, number } from "../domain/amounts.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import { FAILURES } from "../domain/failure.ts";
import type { RemovalFacts, Verdict } from "../domain/safety.ts";
import { doubtsOfRemoval, formatInWords, isRemovable, removalInWords } from "../domain/safety.ts";
import type { Tally, Trouble } from "../domain/session.ts";
import type { Certificate } from "../ingest/certify.ts";
import type { Ingested } from "../ingest/ingest-card.ts";
import type { Ports } from "../ingest/ports.ts";

/** What one ingest came to, for people and for scripts. */
export interface Summary {
  readonly label: string;
  readonly sessions: readonly string[];
  readonly foundFiles: number;
  readonly knownFiles: number;
  readonly kept: number;
  readonly keptBytes: number;
  readonly duplicates: number;
  readonly failed: number;
  /** Everything that is not all right, by name. */
  readonly troubles: readonly Trouble[];
  /** Whether nothing is left to do with the card: everything on it is kept, or named as what cannot be. */
  readonly isRemovable: boolean;
  /** Whether the card can be formatted without losing anything; `null` when it was not read a second time. */
  readonly isSafeToFormat: boolean | null;
  /** What is to be said of the card, and of its being formatted when that was asked for. */
  readonly verdicts: readonly string[];
  /** Why the second disk does not have everything. */
  readonly uncopied: { readonly code: FailureCode; readonly message: string } | null;
  /** Folder of the receipt, below the library's root. */
  readonly receipt: string | null;
  readonly bytesRead: number;
  readonly puts: number;
  readonly putBytes: number;
  readonly link: string | null;
  /** Why pictures have not reached their guests, those of this card or else those of an earlier one. */
  readonly undelivered: {
    readonly code: FailureCode;
    readonly message: string;
    readonly isOfThisCard: boolean;
  } | null;
  /** Of the library's originals that go to the bucket, how many are there; `null` when none are to. */
  readonly originals: OriginalsLook | null;
}

/** How far the originals are on their way to the bucket. */
interface OriginalsLook {
  readonly uploaded: number;
  readonly waiting: number;
  /** Why they wait. */
  readonly reason: { readonly code: FailureCode; readonly message: string } | null;
}

/** What `ingestCard` and what followed it came to. */
interface Outcome extends Pick<Ingested, "offloaded" | "undelivered"> {
  /** What stopped the delivery of what earlier runs have left. */
  readonly rest: Failure | null;
  readonly originals: {
    readonly chosen: number;
    readonly absent: number;
    readonly failure: Failure | null;
  } | null;
}

export function summarize(
  label: string,
  { offloaded, undelivered, rest, originals }: Outcome,
  { format, uncopied, receipt }: Certificate,
  bytesRead: number,
  traffic: { readonly puts: number; readonly bytes: number },
  link: string | null,
  catalog: Ports["catalog"],
): Summary {
  const { sessions, foundFiles, knownFiles, refused, removal, source } = offloaded;
  const asked = source === "not-read" ? null : format;
  const tallies = sessions.map(({ id }) => catalog.tally(id));
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const troubles = [...sessions.flatMap(({ id }) => catalog.troubles(id)), ...refused];
  const late = undelivered ?? rest;
  // What is no file is told by its session, and by the last look at the card.
  const named = [
    ...new Map(troubles.map((trouble) => [`${trouble.name}\0${trouble.reason}`, trouble])).values(),
  ];
  return {
    label,
    sessions: sessions.map(({ name }) => name),
    foundFiles,
    knownFiles,
    kept: sum((tally) => tally.kept),
    keptBytes: sum((tally) => tally.keptBytes),
    duplicates: sum((tally) => tally.duplicates),
    failed: sum((tally) => tally.failed),
    troubles: named,
    isRemovable: isRemovable(removal),
    isSafeToFormat: asked && asked.length === 0,
    verdicts: [
      ...(sessions.length > 0 || asked !== null ? [removalInWords(removal)] : []),
      ...(asked === null ? [] : [formatInWords(withoutRemoval(asked, removal))]),
    ],
    uncopied: uncopied && { code: uncopied.code, message: uncopied.message },
    receipt,
    bytesRead,
    puts: traffic.puts,
    putBytes: traffic.bytes,
    link,
    undelivered: late && { code: late.code, message: late.message, isOfThisCard: undelivered !== null },
    originals: originals && {
      uploaded: originals.chosen - originals.absent,
      waiting: originals.absent,
      reason: originals.failure && { code: originals.failure.code, message: originals.failure.message },
    },
  };
}

/** What stands against formatting besides what stands against taking the card out, which is said already. */
function withoutRemoval(format: Verdict, removal: RemovalFacts): Verdict {
  const said = new Set(doubtsOfRemoval(removal).map(({ doubt }) => doubt));
  const rest = format.filter(({ doubt }) => !said.has(doubt));
  return rest.length > 0 ? rest : format;
}

/** 0 when all is well; 3 when files are named as failed or damaged; else what kept the pictures from their guests, or the copies from the second disk. */
export function exitCodeOf(summary: Summary): number {
  const { undelivered, uncopied, originals, troubles } = summary;
  const waiting = undelivered ?? uncopied ?? originals?.reason ?? null;
  if (waiting !== null) return FAILURES[waiting.code].exit;
  return troubles.length > 0 || !summary.isRemovable ? 3 : 0;
}

function readInWords({ bytesRead, isSafeToFormat }: Summary): string {
  if (isSafeToFormat !== null) return "Every byte was";
  return bytesRead === 0 ? "Nothing was" : "Only their beginnings were";
}

/** Files that are named one by one before the rest is only counted; `ghostroll sessions --json` has them all. */
const NAMED_AT_MOST = 20;

/** The summary as lines for a person. */
export function summaryLines(summary: Summary): string[] {
  const { label, kept, keptBytes, knownFiles, duplicates, failed, troubles, undelivered, uncopied } = summary;
  const lines: string[] = [];
  if (summary.sessions.length === 0 && knownFiles > 0)
    lines.push(
      `Nothing new on ${label}: ${allAre(knownFiles, "file")} kept already. ${readInWords(summary)} read again.`,
    );
  else {
    const parts = [`${count(kept, "file")} kept (${bytesInWords(keptBytes)})`];
    if (duplicates > 0)
      parts.push(
        `${number(duplicates)} more ${duplicates === 1 ? "is a duplicate" : "are duplicates"} of what is kept`,
      );
    if (knownFiles > 0) parts.push(`${count(knownFiles, "file")} known from before`);
    if (failed > 0) parts.push(`${count(failed, "file")} failed`);
    lines.push(`${label}: ${parts.join(", ")}.`);
  }
  if (troubles.length > 0) lines.push("", `Problems (${troubles.length}):`);
  for (const { name, reason } of troubles.slice(0, NAMED_AT_MOST)) lines.push(`  ${name}: ${reason}`);
  if (troubles.length > NAMED_AT_MOST) lines.push(`  … and ${troubles.length - NAMED_AT_MOST} more.`);
  if (troubles.length > 0) lines.push("");
  lines.push(...summary.verdicts);
  if (summary.receipt !== null)
    lines.push(`The receipt is ${summary.receipt}/receipt.txt, below the library.`);
  if (undelivered !== null) lines.push(undeliveredLine(undelivered));
  if (summary.originals !== null) lines.push(...originalsLines(summary.originals));
  if (uncopied !== null)
    lines.push(
      `Not everything is on the second disk yet: ${uncopied.message} ${FAILURES[uncopied.code].hint}`,
    );
  return lines;
}

/** For `ghostroll status` as well. */
export function inBucketInWords(originals: number): string {
  const are = allAre(originals, "original");
  return `${are.charAt(0).toUpperCase()}${are.slice(1)} in the bucket too.`;
}

function undeliveredLine({ code, message, isOfThisCard }: NonNullable<Summary["undelivered"]>): string {
  const which = isOfThisCard ? "The gallery is not complete: " : "Not every gallery is complete: ";
  // Says by itself which gallery it is of, and that one is not to be complete.
  return `${code === "revoke-unfinished" ? "" : which}${message} ${FAILURES[code].hint}`;
}

function originalsLines({ uploaded, waiting, reason }: OriginalsLook): string[] {
  if (waiting === 0) return [inBucketInWords(uploaded)];
  const why = reason === null ? "" : ` ${reason.message} ${FAILURES[reason.code].hint}`;
  return [`${count(waiting, "original")} of ${uploaded + waiting} not in the bucket yet.${why}`];
}
