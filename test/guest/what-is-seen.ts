import type { Guest } from "./guest.ts";
import type { Rig } from "./rig.ts";

/** Puts a card in, and tells how long it took to be announced, on the guest's clock. */
export async function announce(
  { guest }: Pick<Rig<string>, "guest">,
  card: string,
  insert: () => Promise<void>,
): Promise<{ readonly mark: number; readonly announcedMs: number }> {
  const mark = guest.journal.mark();
  const askedMs = await clockOf(guest);
  const answeredMs = performance.now();
  await insert();
  // A guest that has nothing to do keeps time with us, however late we come.
  const startMs = askedMs + performance.now() - answeredMs;
  const { atMs } = await guest.journal.until(mark, { msg: "card inserted", card });
  return { mark, announcedMs: Math.round(atMs - startMs) };
}

/** The time in the guest, in ms since 1970. */
async function clockOf(guest: Guest): Promise<number> {
  return Number(await guest.run("date +%s%3N"));
}

/** What a machine has besides a card: its mounts, swap, and disks, each with whether it can be written. */
export function surroundings(guest: Guest, ...cards: readonly string[]): Promise<string> {
  const others = ["none", ...cards].map((name) => `-e '^${name}'`).join(" ");
  return guest.run(`findmnt --raw --noheadings --output TARGET,SOURCE,FSTYPE,OPTIONS | grep -v ^/run/ | sort
    lsblk --raw --noheadings --output NAME,RO,SIZE,MOUNTPOINTS | grep -v ${others}; swapon --show`);
}

/** Waits until a card is being copied. */
export async function untilUnderWay(guest: Guest): Promise<void> {
  await guest.run('until [ -n "$(ls /var/lib/ghostroll/incoming)" ]; do sleep 0.05; done');
}

/** What has been said since a mark of a card that it is done, or may be taken out: the start of each such sentence. */
export function claimsSince({ journal }: Guest, mark: number): readonly string[] {
  const isClaim = (msg: string) => /^(Safe to|Every file|gallery complete|card taken in)/.test(msg);
  return journal.since(mark).flatMap(({ said }) => (said !== null && isClaim(said.msg) ? [said.msg] : []));
}

/** Pulls a card, or what holds it, and tells how long it took until the daemon knew, on the guest's clock. */
export async function notice(
  guest: Guest,
  card: string,
  pull: () => Promise<void>,
): Promise<{ readonly noticedMs: number }> {
  const mark = guest.journal.mark();
  const startMs = await clockOf(guest);
  await pull();
  const { atMs } = await guest.journal.until(mark, { msg: "card removed", card });
  await guest.journal.until(mark, { msg: "", card, code: "card-removed" });
  return { noticedMs: Math.round(atMs - startMs) };
}

/** Waits until everything that a card can give is kept, shown, and the card unmounted. */
export async function untilDone(guest: Guest, mark: number, card: string): Promise<void> {
  await guest.journal.until(mark, { msg: "Safe to remove", card });
  await guest.journal.until(mark, { msg: "gallery complete" });
  await untilKept(guest, mark, card);
}

/** The same for a card of which everything was known: there is no gallery to complete. */
export async function untilKept({ journal }: Guest, mark: number, card: string): Promise<void> {
  await journal.until(mark, { msg: "Safe to remove", card });
  await journal.until(mark, { msg: "card taken in", card });
}

const RULE = "/etc/udev/rules.d/99-ghostroll.rules";

/** Lets somebody else mount what comes, with our rule out of the way. */
export async function byHand(
  guest: Guest,
  { put, mount }: { readonly put: () => Promise<void>; readonly mount: string },
  meanwhile: () => Promise<void>,
): Promise<void> {
  await guest.run(`mv ${RULE} /root/rule; udevadm control --reload`);
  try {
    await put();
    await guest.run(`until ${mount} 2>/dev/null; do sleep 0.05; done`);
    await meanwhile();
  } finally {
    await guest.run(`mv /root/rule ${RULE}; udevadm control --reload`);
  }
}

/** Sessions that were opened, or gone on with, for a card. */
export function sessionsOf({ journal }: Guest, card: string): ReadonlySet<unknown> {
  const opened = journal.since(0).filter(({ said }) => said?.msg === "session opened" && said.card === card);
  return new Set(opened.map(({ said }) => said?.["session"]));
}
