import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { pictureCard } from "../support/card.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const BOX = join(import.meta.dirname, "systemd-box.sh");
const BOXED = join(import.meta.dirname, "boxed.sh");

const skip =
  lacks("systemd-nspawn", "mkfs.ext4") ||
  (process.getuid?.() !== 0 && "booting a container needs root") ||
  (!hasLoop() && "this kernel has no loop devices");

function hasLoop(): boolean {
  return statSync("/dev/loop-control", { throwIfNoEntry: false }) !== undefined;
}

/** What is to come out of `boxed.sh`, and why. */
const EXPECTED = {
  installed: "yes",
  // systemd heard READY=1: Type=notify is not running before.
  state: "active running",
  status: "Waiting for cards.",
  user: "ghostroll",
  second: "0 written",
  // A card mounted after the start came into the sandbox.
  gallery: '"tiles":6,',
  safe: "0 mounted",
  originals: "6",
  sandbox: "/var/lib/ghostroll",
  sessions: "1",
  mounted: "ro,nosuid,nodev,noexec",
  sees: "1",
  // Nothing a service that was taken over asks for reaches another mount, or the card by a way around.
  hostile: "precious 0 left, 1 mounted",
  held: "/run/ghostroll/cards/BOX_CARD",
  released: "0 left",
  refused: "0 mounted",
  // Bad settings are refused, good ones taken, and only the service can read them.
  reloaded: "active, same process, 1 refused, 1 taken, 400 ghostroll",
  fed: "same process after 1.5 watchdog times",
  watchdog: "active, 1 restarts",
  crash: "active, 2 restarts",
  stopped: "success 0, 0 processes left",
  uninstalled: "/etc/ghostroll /etc/ghostroll/ghostroll.env",
  kept: "6",
};

it("the service lives under a real systemd: start, card, sandbox, release, watchdog, crash, stop, uninstall", {
  skip,
}, async (t) => {
  const folder = await tempFolder(t);
  const image = join(folder, "card.img");
  writeFileSync(image, "");
  truncateSync(image, 16 * 2 ** 20);
  const card = await pictureCard(join(folder, "card"), 6);
  execFileSync("mkfs.ext4", ["-q", "-L", "BOX_CARD", "-d", card, image]);
  const loop = execFileSync("losetup", ["--read-only", "--find", "--show", image], {
    encoding: "utf8",
  }).trim();
  const { stdout, stderr } = spawnSync(BOX, [BOXED, loop], { encoding: "utf8" });
  // mount-card made it read-only, and a loop device stays so for whoever gets it next.
  execFileSync("blockdev", ["--setrw", loop]);
  execFileSync("losetup", ["--detach", loop]);
  const facts = [...stdout.matchAll(/^([a-z]+): (.*?) *$/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(Object.fromEntries(facts), EXPECTED, `${stdout}${stderr}`);
});
