import { rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Volume } from "../domain/card.ts";
import type { RemovalFacts } from "../domain/safety.ts";
import { diskOf, readMounts } from "./mounts.ts";
import { mediumOf } from "./presence.ts";

/** Where `systemd/mount-card` mounts cards, and where it looks for the names of those to unmount. */
const PLACES = { cards: "/run/ghostroll/cards", requests: "/run/ghostroll/release" } as const;

interface ReleaseOptions {
  readonly signal: AbortSignal;
  /** Other folders than those of the installed service. */
  readonly places?: { readonly cards: string; readonly requests: string };
  readonly deadlineMs?: number;
}

/** mount-card tries for six seconds, and may be busy with another card before. */
const DEADLINE_MS = 20_000;
/** Reading mountinfo takes 60 µs; nobody sees a tenth of a second between the unmount and the sentence about it. */
const LOOK_MS = 100;

/**
 * Has a card unmounted by the unit that mounted it: `done` when it is gone from our mounts, so that it may be taken out;
 * `not-ours` when somebody else mounted it, the unit is not installed, or the card is not there any more; `failed` when it stays
 * in use and is as before. Nothing of ours may be open on the card.
 */
export async function releaseCard(
  { root, medium }: Pick<Volume, "root" | "medium">,
  { signal, places = PLACES, deadlineMs = DEADLINE_MS }: ReleaseOptions,
): Promise<RemovalFacts["unmount"]> {
  if (dirname(root) !== places.cards) return "not-ours";
  const mount = (await readMounts()).findLast(({ target }) => target === root);
  if (mount === undefined) return "not-ours";
  // Numbers of mounts differ between the service's namespace and the system's; those of devices and media do not.
  const { sequence } = (await diskOf(mount)) ?? { sequence: null };
  const request = join(places.requests, `${mount.device}:${sequence ?? ""}:${basename(root)}`);
  const before = await mediumOf(root);
  // Another card of that name has not been read.
  if (medium !== undefined && medium !== before) return "not-ours";
  try {
    await writeFile(request, "");
  } catch (error) {
    if (isOneOf(error, "ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS")) return "not-ours";
    throw error;
  }
  for (const untilMs = performance.now() + deadlineMs; performance.now() < untilMs; ) {
    if ((await mediumOf(root)) !== before) return "done";
    if (signal.aborted) break;
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  // Nobody answered; the request must not be granted later, when the card is in use again.
  await rm(request, { force: true });
  return "failed";
}

function isOneOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
