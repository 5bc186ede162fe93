import { bytesInWords, count } from "../domain/amounts.ts";
import { FINDINGS } from "../domain/finding.ts";
import type { Verified } from "../ingest/verify.ts";
import { verify as readBack } from "../ingest/verify.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { assertLibrary } from "./library-there.ts";

/** `ghostroll verify`: reads originals back from the disk and says which are not as they were kept. Returns the exit code. */
export async function verify(
  { share, isRepairing, json, settings: overrides }: Extract<Command, { name: "verify" }>,
  context: Context,
): Promise<number> {
  const settings = context.settings(overrides);
  assertLibrary(settings);
  const house = await openHouse(settings, { isServing: false, onSlip: slipTo(context.err) });
  try {
    const isLive = context.out.isTTY === true && !json;
    const progress = (done: number, all: number) => {
      if (isLive) context.out.write(`\rReading originals back: ${done} of ${all}${done === all ? "\n" : ""}`);
    };
    const options = { share, isRepairing, readers: house.options.readers };
    const verified = await readBack(options, house.care, progress, context.signal);
    const exitCode = verified.rot.some(({ repairedFrom }) => repairedFrom === null) ? 3 : 0;
    if (json) say(context.out, JSON.stringify({ ...verified, exitCode }, null, 2));
    else say(context.out, ...verifiedLines(verified, share, isRepairing));
    return exitCode;
  } finally {
    await house.close();
  }
}

/** Files that are named one by one before the rest is only counted; `--json` has them all. */
const NAMED_AT_MOST = 20;

/** What a run came to, as lines for a person. Says nothing of what was not read. */
export function verifiedLines(verified: Verified, share: number, isRepairing: boolean): string[] {
  const { total, cold, cached, readBytes, unread, rot, unasked } = verified;
  if (total === 0) return ["The library holds no originals yet."];
  const lines = [
    `${cold + cached} of ${count(total, "original")} read back and as they were kept (${bytesInWords(readBytes)}).`,
  ];
  if (cached > 0)
    lines.push(
      `${cached === cold + cached ? "They" : `${cached} of them`} came from memory, which this filesystem lets nobody past: the disk itself was not asked.`,
    );
  if (unread > 0)
    lines.push(
      `${unread} not read in this run, and nothing is said of them: each run takes those read longest ago, so that ${share} runs read all.`,
    );
  if (rot.length > 0) lines.push("", `Not as they were kept (${rot.length}):`);
  for (const { path, finding, repairedFrom } of rot.slice(0, NAMED_AT_MOST))
    lines.push(
      `  ${path}: ${FINDINGS[finding]}${repairedFrom === null ? "" : ` Repaired from ${repairedFrom}.`}`,
    );
  if (rot.length > NAMED_AT_MOST) lines.push(`  … and ${rot.length - NAMED_AT_MOST} more.`);
  lines.push(...unasked.map((sentence) => `  Could not be asked for a good copy: ${sentence}`));
  const isLeft = rot.some(({ repairedFrom }) => repairedFrom === null);
  if (isLeft && !isRepairing)
    lines.push("", "`ghostroll verify --repair` puts good copies back where there are any.");
  if (isLeft && isRepairing)
    lines.push(
      "",
      "No good copy was found for what is not repaired. A card that still has it restores it when it is inserted.",
    );
  if (rot.some(({ repairedFrom }) => repairedFrom !== null))
    lines.push("", "What was in their place is in the library's folder `rotten`.");
  return lines;
}
