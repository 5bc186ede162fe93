import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../domain/failure.ts";
import type { Doorbell } from "../flow/doorbell.ts";
import { doorbell } from "../flow/doorbell.ts";
import type { Channel, Outcome, Text } from "./outcome.ts";
import { withLink } from "./words.ts";

/** A message that waits, as it was written down. */
interface Waiting extends Omit<Text, "message" | "link"> {
  readonly id: number;
  /** Without the link. */
  readonly words: string;
  /** What goes with it, signed again; `null` when nothing does. Throws a `Failure` when it cannot be made now. */
  readonly link: () => Promise<string | null>;
}

/** Where messages wait: durable, so that each call below is true before it returns. */
export interface Outbox {
  /** The oldest message that waits for a recipient. */
  nextMessage(recipient: string): Waiting | null;
  /** One more time a message goes out whose answer is not known. Returns how often that has happened. */
  goesOut(id: number): number;
  /** The answer came: it was not taken that time. */
  notTaken(id: number): void;
  messageSent(id: number, receipt: string | null): void;
  giveUp(id: number, reason: string): void;
}

/** Told to the log. No address and no secret is in it. */
export interface Told {
  readonly kind: Outcome["kind"];
  /** Masked. */
  readonly recipient: string;
  readonly event: string;
  readonly card: string;
  readonly receipt: string | null;
  readonly reason: string | null;
}

export interface SenderOptions {
  readonly recipients: readonly {
    /** What the outbox calls them. */
    readonly id: string;
    /** What the log calls them. */
    readonly name: string;
    readonly channel: Channel;
  }[];
  readonly outbox: Outbox;
  readonly hear: (told: Told) => void;
  /** For tests. */
  readonly firstPauseMs?: number;
  readonly doubtPausesMs?: readonly number[];
  readonly closeMs?: number;
}

export interface Sender {
  /** Says that there is a new message. */
  ring(): void;
  /** Tries what waits once more, for at most ten seconds; the rest waits for the next start. */
  close(): Promise<void>;
}

/**
 * While nothing was taken: doubled each time up to the longest, and shortened at random by up to half, so that boxes do not come
 * all at once.
 */
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;
/** Half of what the process has to end in order. */
const CLOSE_MS = 10_000;
/**
 * After each time that a message went out and may have been taken; after one more time it is given up. Somebody who has it all the same
 * gets it five times at most, also from a process that dies at this very point again and again; and a provider that accepts and
 * hangs for an evening is outlasted: five hours and eleven minutes.
 */
const DOUBT_PAUSES_MS = [1, 10, 60, 240].map((minutes) => minutes * 60_000);

/**
 * Sends what waits in the outbox: to each recipient in order, none waiting for another, for as long as it takes. Each message is
 * recorded as sent once the provider has it; one that may have been taken without our knowing is sent again, a few times.
 */
export function openSender(options: SenderOptions): Sender {
  const closing = new AbortController();
  const ending = new AbortController();
  const bells = options.recipients.map(() => doorbell());
  const all = Promise.all(
    options.recipients.map(async (recipient, i) =>
      serve(recipient, bells[i] ?? doorbell(), options, closing.signal, ending.signal),
    ),
  );
  return {
    ring() {
      for (const bell of bells) bell.ring();
    },
    async close() {
      closing.abort();
      const deadline = setTimeout(() => ending.abort(), options.closeMs ?? CLOSE_MS);
      await all.finally(() => clearTimeout(deadline));
    },
  };
}

type Recipient = SenderOptions["recipients"][number];

async function serve(
  recipient: Recipient,
  bell: Doorbell,
  options: SenderOptions,
  closing: AbortSignal,
  ending: AbortSignal,
): Promise<void> {
  const { firstPauseMs = FIRST_PAUSE_MS } = options;
  const hear = withoutRepeats(options.hear);
  let pauseMs = firstPauseMs;
  for (;;) {
    const next = await sendNext(recipient, { ...options, hear }, ending);
    if (next === null) {
      if (closing.aborted) return;
      await bell.wait(closing).catch(() => undefined);
    } else if (next.isOver) {
      pauseMs = firstPauseMs;
    } else {
      const wantedMs = next.waitMs || pauseMs * (1 - Math.random() / 2);
      await delay(wantedMs, undefined, { signal: closing }).catch(() => undefined);
      if (closing.aborted) return;
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
}

/** What goes on being so is said once. */
function withoutRepeats(hear: SenderOptions["hear"]): SenderOptions["hear"] {
  let last: string | null = null;
  return (told) => {
    if (told.reason === null || told.reason !== last) hear(told);
    last = told.reason;
  };
}

/** Whether a message is done with, one way or the other; else how long to wait, where that is not left to us. */
interface Next {
  readonly isOver: boolean;
  readonly waitMs: number | null;
}

/** Sends the oldest message and writes down what came of it; `null` when none waits. */
async function sendNext(
  { id, name, channel }: Recipient,
  { outbox, hear, doubtPausesMs = DOUBT_PAUSES_MS }: SenderOptions,
  signal: AbortSignal,
): Promise<Next | null> {
  let message: Waiting | null = null;
  try {
    message = outbox.nextMessage(id);
    if (message === null) return null;
    const link = await message.link();
    const times = outbox.goesOut(message.id);
    const most = doubtPausesMs.length + 1;
    // More than that only after a kill: what came of the last time was not written down.
    let outcome: Outcome =
      times > most ? inDoubt(most, null) : await sendOnce(message, link, channel, outbox, signal);
    if (outcome.kind === "unsure" && times === most) outcome = inDoubt(most, outcome.reason);
    if (outcome.kind === "refused") outbox.giveUp(message.id, outcome.reason);
    hear(inWords(outcome, message, name));
    const isOver = outcome.kind === "sent" || outcome.kind === "refused";
    const doubtMs = outcome.kind === "unsure" ? (doubtPausesMs[times - 1] ?? null) : null;
    return { isOver, waitMs: outcome.kind === "later" ? outcome.waitMs : doubtMs };
  } catch (error) {
    // No link can be signed, or the catalog not be written, for now.
    if (!(error instanceof Failure)) throw error;
    const outcome = { kind: "later", reason: error.message, waitMs: null } as const;
    if (message !== null) hear(inWords(outcome, message, name));
    return { isOver: false, waitMs: null };
  }
}

function inDoubt(times: number, last: string | null): Outcome {
  const reason = `It went out ${times} times without an answer that says whether it was taken, and may have arrived: it is not sent again.`;
  return { kind: "refused", reason: last === null ? reason : `${last} ${reason}` };
}

function inWords(outcome: Outcome, { event, card }: Waiting, recipient: string): Told {
  const { receipt, reason } = { receipt: null, reason: null, ...outcome };
  return { kind: outcome.kind, recipient, event, card, receipt, reason };
}

async function sendOnce(
  { id, words, ...rest }: Waiting,
  link: string | null,
  channel: Channel,
  outbox: Outbox,
  signal: AbortSignal,
): Promise<Outcome> {
  const outcome = await channel({ ...rest, message: withLink(words, link), link }, signal);
  if (outcome.kind === "sent") outbox.messageSent(id, outcome.receipt);
  if (outcome.kind === "later") outbox.notTaken(id);
  return outcome;
}
