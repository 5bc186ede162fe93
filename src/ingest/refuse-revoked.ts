import { Failure } from "../domain/failure.ts";
import type { Session } from "../domain/session.ts";
import type { Ports } from "./ports.ts";

/** Whether somebody did not want it to be seen after all. */
export const isRevocation = (error: unknown): boolean =>
  error instanceof Failure && error.code === "gallery-revoked";

/**
 * Throws `gallery-revoked` when somebody has revoked the gallery in the meantime: what was put before is taken down, and must
 * not be claimed: it would be missing from the gallery that is shared again.
 */
export function refuseRevoked({ slug, name }: Session, { catalog }: Pick<Ports, "catalog">): void {
  if (catalog.isRevoked(slug)) throw new Failure("gallery-revoked", `The gallery of ${name} was revoked.`);
}
