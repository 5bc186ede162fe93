import type { Outcome } from "./outcome.ts";

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For tests of a provider that never answers. */
  readonly deadlineMs?: number;
}

/** How a provider speaks. */
export interface Provider {
  /** In sentences: "Twilio". */
  readonly name: string;
  /** What must not appear in a reason. */
  readonly secrets: readonly string[];
  /** Finds the provider's own name for a message in its answer; `null` where it gives none. */
  receipt(body: string): string | null;
  /** What the provider says went wrong, from the body of its answer. */
  complaint(body: string): string | null;
  /** What a person does about an answer. */
  fix(status: number, body: string): string;
  /** Whether a refusal passes by itself, besides 408, 425, 429 and 503: then the message was not taken. */
  isPassing?(status: number, body: string): boolean;
  /** How long to wait, where the provider says so in the body. */
  waitMs?(body: string): number | null;
}

/** A provider that has not answered by then has hung; a phone network may take ten seconds to pass a request on. */
const DEADLINE_MS = 20_000;
/** Asked for more, we come back after an hour: a person is waiting for this message. */
const LONGEST_WAIT_MS = 3_600_000;
/** Too long for a log line beyond this. */
const MAX_COMPLAINT = 200;

/** Answers by which a provider does not take a message now (RFC 9110, 15.5.9 and 15.6.4; RFC 8470; RFC 6585). */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** Errors of `fetch` after which the request cannot have reached anybody. */
const NEVER_LEFT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_\w+|ERR_SSL_\w+|\w+_CERT\w*|UNABLE_TO_\w+)$/;

/** Makes one request and says in our words what came of it. */
export async function call(provider: Provider, request: Call, signal: AbortSignal): Promise<Outcome> {
  const { url, headers, body, deadlineMs = DEADLINE_MS } = request;
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body,
      // A redirected POST becomes a GET, which sends nothing.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    const text = await answer.text();
    return judge(provider, answer, text);
  } catch (error) {
    return unanswered(provider, error);
  }
}

function judge(provider: Provider, { status, headers }: Response, body: string): Outcome {
  const { name } = provider;
  if (status >= 200 && status < 300) return { kind: "sent", receipt: provider.receipt(body) };
  const complaint = clean(provider.complaint(body) ?? "", provider.secrets);
  const said = complaint === "" ? `${name} answered ${status}` : `${name} answered ${status}: ${complaint}`;
  if (NOT_NOW.has(status) || provider.isPassing?.(status, body) === true)
    return { kind: "later", reason: `${said}.`, waitMs: waitMs(headers.get("retry-after"), provider, body) };
  // A gateway says so when what is behind it has not answered it, and a server when it fell over what it was given: often after
  // it was taken.
  if (status >= 500) return { kind: "unsure", reason: `${said}.` };
  return { kind: "refused", reason: `${said}. ${provider.fix(status, body)}` };
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function waitMs(header: string | null, provider: Provider, body: string): number | null {
  const seconds = header === null || header.trim() === "" ? Number.NaN : Number(header);
  const fromHeader = Number.isNaN(seconds) ? Date.parse(header ?? "") - Date.now() : seconds * 1000;
  const wanted = Number.isNaN(fromHeader) ? (provider.waitMs?.(body) ?? null) : fromHeader;
  return wanted === null ? null : Math.max(0, Math.min(LONGEST_WAIT_MS, wanted));
}

function unanswered({ name, secrets }: Provider, error: unknown): Outcome {
  const cause = networkCause(error);
  if (cause === null) throw error;
  return NEVER_LEFT.test(cause)
    ? { kind: "later", reason: `${name} cannot be reached (${cause}).`, waitMs: null }
    : { kind: "unsure", reason: `${name} did not answer (${clean(cause, secrets)}).` };
}

/** `fetch` hides what happened in the cause; anything that is neither that nor a deadline is a bug. */
function networkCause(error: unknown): string | null {
  if (error instanceof DOMException && ["TimeoutError", "AbortError"].includes(error.name)) return error.name;
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return null;
  const { cause } = error;
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}

/** One line without anything that must not be read. A number is also hidden where it stands without its plus. */
function clean(text: string, secrets: readonly string[]): string {
  let shown = text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  for (const secret of secrets)
    for (const form of [secret, encodeURIComponent(secret), secret.replace(/^\+/, "")])
      if (form !== "") shown = shown.replaceAll(form, "…");
  return shown.slice(0, MAX_COMPLAINT);
}

/** The value at a path of a JSON answer, as text; `null` when it is not there. */
export function field(body: string, ...path: readonly string[]): string | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // A proxy in between answers with a page of its own.
    return null;
  }
  for (const name of path)
    value =
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}
