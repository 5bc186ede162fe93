import { existsSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** A talk in lines with what listens on a socket. */
export interface Lines {
  send(line: string): void;
  close(): void;
}

/** QEMU makes its sockets before anything else. */
const SOCKET_MS = 10_000;

/** Connects to a socket that may not be there yet. */
export async function openLines(path: string, hear: (line: string) => void): Promise<Lines> {
  for (const untilMs = performance.now() + SOCKET_MS; !existsSync(path); await delay(20))
    if (performance.now() > untilMs) throw new Error(`nobody listens on ${path}`);
  const socket = connect(path);
  // Whoever waits for an answer has a deadline of its own.
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", hear);
  return { send: (line) => socket.write(`${line}\n`), close: () => socket.destroy() };
}
