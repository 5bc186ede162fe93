import { Failure } from "../domain/failure.ts";

const DAY_MS = 86_400_000;

/** When this was written: a clock that shows an earlier time was never set. */
const WRITTEN_MS = Date.UTC(2026, 0, 1);

/** Whether a clock can be right, as far as that can be told without another one. */
export function isSet(nowMs: number): boolean {
  return nowMs >= WRITTEN_MS;
}

/** Signature Version 4 allows no more (docs.aws.amazon.com, "Sharing objects with presigned URLs"). */
const MAX_LINK_SECONDS = 604_800;

/**
 * When links count as signed, in milliseconds since 1970: the beginning of the UTC day, so that they are the same all day
 * and browsers find their pictures in the cache. Links that live less than two days begin at a multiple of half their
 * life instead; so every link has at least half its life left when it is given. Throws `clock-unset` for a clock like that
 * of a Raspberry Pi that just woke up: its links would be dead as soon as the clock is set.
 */
export function signedAtMs(nowMs: number, linkSeconds: number): number {
  if (!isSet(nowMs))
    throw new Failure(
      "clock-unset",
      `The clock of this machine shows ${new Date(nowMs).toISOString().slice(0, 10)}: links signed by it would not open.`,
    );
  const stepMs = Math.min(DAY_MS, linkSeconds * 500);
  return Math.floor(nowMs / stepMs) * stepMs;
}

/** Throws an ordinary error for a life that links cannot have: settings are checked before they get here. */
export function checkLinkSeconds(linkSeconds: number): void {
  if (!Number.isInteger(linkSeconds) || linkSeconds < 2 || linkSeconds > MAX_LINK_SECONDS)
    throw new Error(`links cannot live ${linkSeconds} s: 2 to ${MAX_LINK_SECONDS}`);
}
