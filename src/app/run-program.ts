import { execFile } from "node:child_process";

/** Runs a program of the system to its end: `null` when it went well, else what it complained of. */
export async function runProgram([program = "", ...words]: readonly string[]): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  execFile(program, words, (error, _, complaint) => {
    resolve(error === null ? null : complaint.trim() || error.message);
  });
  return promise;
}
