/** How long before its end people are told of a link. */
const WARNING_MS = 86_400_000;

/** Where a link that guests were given stands. */
export type LinkState = "opens" | "ends-soon" | "ended";

/** `ends-soon` is the last day of a link; one without an end always opens. Times are milliseconds since 1970. */
export function linkState(endsMs: number | null, nowMs: number): LinkState {
  if (endsMs === null || endsMs - nowMs > WARNING_MS) return "opens";
  return endsMs > nowMs ? "ends-soon" : "ended";
}

const DAY_IN_WORDS = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" } as const;

/** The day a link ends on, by UTC: `Fri 27 Nov`. */
export function endDay(endsMs: number): string {
  // Releases of ICU differ in commas, and British data abbreviates one month with four letters.
  return new Intl.DateTimeFormat("en-GB", DAY_IN_WORDS)
    .format(endsMs)
    .replaceAll(",", "")
    .replace("Sept", "Sep");
}

/** What the owner of a gallery is told when its link is about to end, or has ended, with what to do. */
export function linkEndInWords(session: string, endsMs: number, nowMs: number): string {
  const ends = linkState(endsMs, nowMs) === "ended" ? "ended" : "ends";
  return `its link ${ends} on ${endDay(endsMs)}; \`ghostroll share ${session} --renew\` makes a new one.`;
}
