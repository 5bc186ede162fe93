import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { makeCard, pictureCard } from "../support/card.ts";
import { lacks, lacksLoop, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const BOX = join(import.meta.dirname, "systemd-box.sh");
const BOXED = join(import.meta.dirname, "boxed.sh");

const skip = lacks("systemd-nspawn", "mkfs.ext4") || lacksRoot() || lacksLoop();

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
  flood: "64 kB at most",
  stick: "is left alone, and can be written to as before, 0 mounted, lock 0, formatted",
  named: "/run/ghostroll/cards/STICK, lock 1",
  held: "/run/ghostroll/cards/BOX_CARD, lock of the other one 0",
  released: "0 left",
  refused: "0 mounted",
  // Bad settings are refused, good ones taken, and only the service can read them.
  reloaded: "active, same process, 1 refused, 1 taken, 400 ghostroll",
  fed: "same process after 1.5 watchdog times",
  watchdog: "active, 1 restarts",
  crash: "active, 2 restarts",
  stopped: "success 0, 0 processes left, 0 settings",
  byhand: "0 1",
  private: "/root/private",
  // What its user may not ask, or the machine not do.
  doctor: "too little voltage • memory add cgroup_enable=memory",
  uninstalled: "/etc/ghostroll /etc/ghostroll/ghostroll.env",
  kept: "6",
};

it("the service lives under a real systemd: start, card, sandbox, release, watchdog, crash, stop, uninstall", {
  skip,
}, async (t) => {
  const folder = await tempFolder(t);
  const attach = (label: string, files: string, ...words: string[]) => {
    const image = join(folder, `${label}.img`);
    writeFileSync(image, "");
    truncateSync(image, 16 * 2 ** 20);
    execFileSync("mkfs.ext4", ["-q", "-L", label, "-d", files, image]);
    return execFileSync("losetup", [...words, "--find", "--show", image], { encoding: "utf8" }).trim();
  };
  const stick = await makeCard(join(folder, "stick"), { "letter.txt": "Dear Ben" });
  const loops = [
    attach("BOX_CARD", await pictureCard(join(folder, "card"), 6), "--read-only"),
    attach("STICK", stick),
  ];
  const { stdout, stderr } = spawnSync(BOX, [BOXED, ...loops], { encoding: "utf8" });
  for (const loop of loops) {
    // What fails in the middle leaves it read-only, and a loop device stays so for whoever gets it next.
    execFileSync("blockdev", ["--setrw", loop]);
    execFileSync("losetup", ["--detach", loop]);
  }
  const facts = [...stdout.matchAll(/^([a-z]+): (.*?) *$/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(Object.fromEntries(facts), EXPECTED, `${stdout}${stderr}`);
});
