import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assertComplete } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { GUEST_MS, GUEST_PROGRAMS, lacksKernel } from "./guest.ts";
import type { Rig } from "./rig.ts";
import { assertUntouched, openRig } from "./rig.ts";
import { announce, surroundings } from "./what-is-seen.ts";

const PLANS = { EOS_DIGITAL: { filesystem: "vfat", pictures: 4, films: [1] } } as const;

describe("a machine with systemd, udev and the service installed", {
  skip: lacks(...GUEST_PROGRAMS) || lacksKernel(),
  timeout: GUEST_MS,
}, () => {
  let folder: string;
  let rig: Rig<keyof typeof PLANS>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-guest-"));
    rig = await openRig(folder, PLANS);
  });
  after(async () => {
    await rig?.close();
    await rm(folder, { recursive: true });
  });

  it("keeps a card that is plugged in, shows its gallery, unmounts it, and touches nothing else", async (t) => {
    const { guest, sockets, cards, tookMs } = rig;
    const card = cards.EOS_DIGITAL;
    t.diagnostic(`${guest.accelerator}: booted in ${tookMs.boot} ms, installed in ${tookMs.install} ms`);
    const around = await surroundings(guest);
    const { mark, announcedMs } = await announce(rig, card.label, () => sockets.plug("usb", card.image));
    await guest.journal.until(mark, { msg: "Safe to remove" });
    assert.equal(
      await guest.run("find /run/ghostroll/cards -mindepth 1"),
      "",
      "a released card is unmounted",
    );
    assert.equal(
      await guest.run("lsblk -rno RO /dev/disk/by-label/EOS_DIGITAL"),
      "1",
      "nobody can write to it",
    );
    const { said } = await guest.journal.until(mark, { msg: "gallery complete" });
    assert.equal(said["tiles"], card.tiles);
    const link = await guest.run("sed -n 's/^gallery-complete EOS_DIGITAL //p' /var/lib/ghostroll/told");
    assert.match(await guest.run(`curl --fail --silent --compressed '${link}'`), /<title>.*EOS_DIGITAL/);
    assert.equal(await surroundings(guest, "sdc"), around);
    await sockets.pull("usb");
    await guest.run("until ! systemctl is-active --quiet 'ghostroll-card@sdc1.service'; do sleep 0.1; done");
    t.diagnostic(
      `USB card with FAT: announced ${announcedMs} ms after it was plugged in, on the guest's clock`,
    );

    const foreign = guest.journal
      .since(0)
      .filter(({ unit, said: line }) => unit === "ghostroll.service" && line === null);
    assert.deepEqual(
      foreign.filter(({ text }) => !/^(Start|Stop)(ing|ed|ped) /.test(text)),
      [],
      "it writes nothing but its log",
    );
    await assertUntouched(card);
    await assertComplete(await rig.library(), card.contents, card.tiles);
  });
});
