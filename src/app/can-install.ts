import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../domain/failure.ts";

/** Throws `usage` unless this is root on a machine that runs systemd. */
export function assertSystem(command: string): void {
  if (process.getuid?.() !== 0)
    throw new Failure("usage", `Only root may change the services of this machine. Run: sudo ${command}`);
  // sd_booted(3)
  if (!existsSync("/run/systemd/system"))
    throw new Failure(
      "usage",
      "This machine does not run systemd. Let `ghostroll watch` be started by what it runs instead.",
    );
}

/** What the sandbox hides from the service (ProtectHome, PrivateTmp). */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/** Throws `usage` unless the service, as a user of its own in its sandbox, will be able to run the program in this folder. */
export async function assertServable(program: string): Promise<void> {
  const move = `Move it: sudo mv '${program}' /opt/ghostroll, and install it from there.`;
  if (HIDDEN.test(program)) throw new Failure("usage", `The service cannot look into ${program}. ${move}`);
  // In a unit, other characters would need quotes, and a percent sign stands for something else.
  if (!/^[\w./+-]+$/.test(program))
    throw new Failure("usage", `systemd needs a path of plain letters, not ${program}. ${move}`);
  for (let folder = program; folder !== "/"; folder = dirname(folder)) {
    const isOpen = ((await stat(folder)).mode & 0o005) === 0o005;
    if (!isOpen)
      throw new Failure(
        "usage",
        `The service's user may not read ${folder}. Run: sudo chmod -R go+rX,go-w '${folder}'`,
      );
  }
}
