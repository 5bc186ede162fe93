import { openLines } from "./lines.ts";

/** QEMU's own monitor: hardware comes and goes as it is told. */
export interface Monitor {
  /** Throws what QEMU says against it. */
  (command: string, words?: object): Promise<unknown>;
  close(): void;
}

interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Speaks QMP (QEMU Machine Protocol) over a socket. */
export async function openMonitor(path: string): Promise<Monitor> {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  const lines = await openLines(path, (line) => {
    const answer = JSON.parse(line) as Answer;
    // Events and the greeting answer nobody.
    if (answer.id === undefined) return;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const ask = async (execute: string, words: object = {}) => {
    const id = ++last;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    lines.send(JSON.stringify({ execute, arguments: words, id }));
    const { error, return: value } = await answer;
    if (error !== undefined) throw new Error(`${execute} ${JSON.stringify(words)}: ${error.desc}`);
    return value;
  };
  await ask("qmp_capabilities");
  return Object.assign(ask, { close: lines.close });
}
