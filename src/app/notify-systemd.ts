import { execFile } from "node:child_process";

type Variables = Readonly<Record<string, string | undefined>>;

/** What systemd hears of us; every call returns at once, and says nothing where systemd does not listen. */
export interface Supervisor {
  /** One sentence for `systemctl status`. */
  say(sentence: string): void;
  /** The search for cards went once more through all places. The first time ends the start; only this feeds the watchdog. */
  progressed(): void;
  /** The end has begun; from now on the watchdog is fed no more. */
  stopping(): void;
}

/** As long as systemd-notify itself waits for an answer. */
const CALL_MS = 5_000;
/** How often the watchdog is fed in the time it waits; systemd advises half of that (sd_watchdog_enabled(3)). */
const MEALS = 3;

/**
 * Speaks to systemd through systemd-notify, for Node has no datagram socket of that kind; one call at a time, so that
 * nothing overtakes what was said before. `onDeaf` hears of a call that failed. `variables` is the environment of this process.
 */
export function openSupervisor(variables: Variables, onDeaf: (error: Error) => void): Supervisor {
  const socket = variables["NOTIFY_SOCKET"] ?? "";
  if (socket === "") return SILENT;
  const pending = new Map<string, string>();
  let isSpeaking = false;
  let isFed = false;
  let isReady = false;
  const mealMs = watchdogMs(variables) / MEALS;
  // A timer of its own: that it comes proves that the event loop turns, and `isFed` that the search for cards does.
  const meals = Number.isFinite(mealMs) ? setInterval(feed, mealMs).unref() : null;

  return {
    say: (sentence) => tell("STATUS", sentence.replace(/\s+/g, " ").trim()),
    progressed() {
      isFed = true;
      if (!isReady) tell("READY", "1");
      isReady = true;
    },
    stopping() {
      if (meals !== null) clearInterval(meals);
      tell("STOPPING", "1");
    },
  };

  function feed(): void {
    if (!isFed) return;
    isFed = false;
    tell("WATCHDOG", "1");
  }

  function tell(key: string, value: string): void {
    pending.set(key, value);
    if (!isSpeaking) speak();
  }

  function speak(): void {
    isSpeaking = true;
    const words = [...pending].map(([key, value]) => `${key}=${value}`);
    pending.clear();
    // Without --no-block it waits until systemd has read the message: of a process that is gone, systemd no longer knows
    // whose child it was, and drops what it said.
    const env = { NOTIFY_SOCKET: socket, PATH: variables["PATH"] ?? "" };
    execFile("systemd-notify", words, { env, timeout: CALL_MS, killSignal: "SIGKILL" }, (error) => {
      isSpeaking = false;
      if (error !== null) onDeaf(error);
      if (pending.size > 0) speak();
    });
  }
}

const SILENT: Supervisor = { say() {}, progressed() {}, stopping() {} };

/** How long systemd waits for a sign of life; infinite where it does not wait for one. */
function watchdogMs(variables: Variables): number {
  const microseconds = Number(variables["WATCHDOG_USEC"] ?? "");
  return microseconds > 0 ? microseconds / 1000 : Number.POSITIVE_INFINITY;
}
