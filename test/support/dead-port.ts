import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** From here on the kernel takes its own choice (ip_local_port_range, ip(7)). */
const GIVEN_TO_ANYBODY = 32_768;

/** A port where nobody listens yet, and that nobody else is given meanwhile. */
export async function deadPort(): Promise<number> {
  const server = createServer();
  try {
    const port = randomInt(10_000, GIVEN_TO_ANYBODY);
    await once(server.listen(port, "127.0.0.1"), "listening");
    await once(server.close(), "close");
    return port;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return deadPort();
    throw error;
  }
}
