import { createHash } from "node:crypto";
import type { Recipient } from "../domain/recipient.ts";

/** Same recipient, same name, whatever the settings say besides; no way back to the address, since catalogs are copied. */
export function recipientId({ channel, address }: Recipient): string {
  const hash = createHash("sha256").update(`${channel}:${address}`).digest("hex");
  return `${channel} ${hash.slice(0, 16)}`;
}
