import type { FailureCode } from "../domain/failure.ts";
import { Failure } from "../domain/failure.ts";

/** What remains of an error on its way through a process border. */
interface Trace {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** How a run ended, as plain data: neither threads nor processes carry a class across. */
export type Outcome =
  | { readonly kind: "reply"; readonly reply: unknown }
  | {
      readonly kind: "failure";
      readonly code: FailureCode;
      readonly message: string;
      readonly cause: Trace | null;
    }
  | { readonly kind: "error"; readonly error: Trace };

/** From main to the child: run this task's default export with this request, or only load its module. */
export interface Post {
  readonly id: number;
  readonly task: string;
  readonly request: unknown;
  readonly isOnlyLoaded: boolean;
}

/** From the child to main. */
export interface Answer {
  readonly id: number;
  readonly outcome: Outcome;
}

/** Makes plain data of whatever a task threw. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Failure)) return { kind: "error", error: traceOf(error) };
  const cause = error.cause === undefined ? null : traceOf(error.cause);
  return { kind: "failure", code: error.code, message: error.message, cause };
}

/** The reply, or throws what the task threw: a `Failure` as a `Failure`, anything else as an ordinary error with its stack. */
export function replyOf(outcome: Outcome): unknown {
  switch (outcome.kind) {
    case "reply":
      return outcome.reply;
    case "failure": {
      const cause = outcome.cause === null ? {} : { cause: errorOf(outcome.cause) };
      throw new Failure(outcome.code, outcome.message, cause);
    }
    case "error":
      throw errorOf(outcome.error);
  }
}

function traceOf(error: unknown): Trace {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: "" };
  return { name: error.name, message: error.message, stack: error.stack ?? "" };
}

function errorOf(trace: Trace): Error {
  const error = new Error(trace.message);
  error.name = trace.name;
  if (trace.stack !== "") error.stack = trace.stack;
  return error;
}
