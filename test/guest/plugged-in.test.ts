import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeCard } from "../support/card.ts";
import { IS_LONG } from "../support/figures.ts";
import { formatCard } from "./images.ts";
import { inAGuest, skipUnlessLong } from "./in-a-guest.ts";
import { FILMS, SLOW } from "./rig.ts";
import { byHand, sessionsOf, surroundings, untilDone, untilKept, untilUnderWay } from "./what-is-seen.ts";

const ALL = {
  WAS_IN: { filesystem: "exfat", pictures: 2 },
  EOS_DIGITAL: { filesystem: "vfat", pictures: 4, films: [1] },
  VFAT: { filesystem: "vfat", pictures: 2 },
  EXFAT: { filesystem: "exfat", pictures: 2 },
  BARE: { filesystem: "vfat", pictures: 2, isBare: true },
  LOCKED: { filesystem: "vfat", pictures: 1 },
  MOUNTED: { filesystem: "vfat", pictures: 2 },
  STOPPED: { filesystem: "vfat", pictures: 1, films: FILMS },
} as const;
const { WAS_IN, EOS_DIGITAL } = ALL;
const cards = IS_LONG ? ALL : ({ WAS_IN, EOS_DIGITAL } as typeof ALL);

inAGuest<keyof typeof ALL>(
  "a machine with systemd, udev and the service installed",
  { cards, wasIn: "WAS_IN", written: ["MOUNTED"] },
  (bench) => {
    it("a card that was in an SD slot when the service was installed is taken in", async () => {
      const { guest, sockets } = bench.rig;
      await guest.journal.until(0, { msg: "card inserted", card: "WAS_IN" });
      await untilDone(guest, 0, "WAS_IN");
      await sockets.eject("slot");
      // Until the kernel has looked, it has a card there that is gone.
      await guest.run("until [ ! -e /dev/mmcblk0 ]; do sleep 0.1; done");
    });

    it("a card that is plugged in is kept, shown and unmounted, and nothing else is touched", async (t) => {
      const { guest, sockets } = bench.rig;
      const { label, image, tiles } = bench.card("EOS_DIGITAL");
      const around = await surroundings(guest);
      const mark = await bench.insert(t, "EOS_DIGITAL", () => sockets.plug("usb", image));
      await guest.journal.until(mark, { msg: "Safe to remove" });
      assert.equal(await guest.run("find /run/ghostroll/cards -mindepth 1"), "", "it is unmounted");
      assert.equal(await guest.run(`lsblk -rno RO /dev/disk/by-label/${label}`), "0", "it is as it was");
      const { said } = await guest.journal.until(mark, { msg: "gallery complete" });
      assert.equal(said["tiles"], tiles);
      const link = await guest.run(`sed -n 's/^gallery-complete ${label} //p' /var/lib/ghostroll/told`);
      assert.match(await guest.run(`curl --fail --silent --compressed '${link}'`), /<title>.*EOS_DIGITAL/);
      assert.equal(await surroundings(guest, "sdc"), around);
      // What `systemctl status` shows.
      await guest.run(
        "until systemctl show --property=StatusText ghostroll.service | grep -q 'Waiting for cards.'; do sleep 0.1; done",
      );
      await sockets.pull("usb");
      await guest.run(
        "until ! systemctl is-active --quiet 'ghostroll-card@sdc1.service'; do sleep 0.1; done",
      );
      const foreign = guest.journal
        .since(0)
        .filter(({ unit, said: words }) => unit === "ghostroll.service" && words === null);
      assert.deepEqual(
        foreign.filter(({ text }) => !/^(Start|Stop)(ing|ed|ped) /.test(text)),
        [],
        "it writes nothing but its log",
      );
    });

    describe("other kinds of cards, what is no card, and what else runs on the machine", {
      skip: skipUnlessLong,
    }, () => {
      it("two cards that are put in at once, with the same names on them, are both kept", async (t) => {
        const { guest, sockets } = bench.rig;
        const both = async () => {
          await sockets.plug("VFAT", bench.card("VFAT").image);
          await sockets.plug("EXFAT", bench.card("EXFAT").image);
        };
        const mark = await bench.insert(t, "VFAT", both, "two at once");
        await guest.journal.until(mark, { msg: "card inserted", card: "EXFAT" });
        for (const card of ["VFAT", "EXFAT"] as const) {
          await untilDone(guest, mark, card);
          assert.equal(sessionsOf(guest, card).size, 1);
        }
        assert.equal(await guest.run("find /run/ghostroll/cards -mindepth 1"), "");
        for (const card of ["VFAT", "EXFAT"]) await sockets.pull(card);
      });

      it("a card without a partition table and a locked card are kept; the lock of the card stays", async (t) => {
        const { guest, sockets } = bench.rig;
        for (const card of ["BARE", "LOCKED"] as const) {
          const put = () => sockets.plug(card, bench.card(card).image, { isLocked: card === "LOCKED" });
          await untilDone(guest, await bench.insert(t, card, put), card);
        }
        assert.equal(
          await guest.run("lsblk -rno RO /dev/disk/by-label/BARE /dev/disk/by-label/LOCKED"),
          "0\n1",
        );
        for (const card of ["BARE", "LOCKED"]) await sockets.pull(card);
      });

      it("a stick without a camera's folder is left as it was, and can be formatted", async () => {
        const { guest, sockets, folder } = bench.rig;
        const [image, label] = [join(folder, "stick.img"), "LETTERS"];

        const files = await makeCard(join(folder, "stick"), {
          "letters/ben.txt": "Dear Ben",
          DCIM: "no folder",
        });
        await formatCard({ image, label, filesystem: "vfat", files });
        const mark = guest.journal.mark();
        await sockets.plug("STICK", image);
        const said = await guest.run(`until [ -e /dev/disk/by-label/${label} ]; do sleep 0.1; done
    stick=$(realpath /dev/disk/by-label/${label}); unit=ghostroll-card@$(basename $stick).service
    until systemctl is-active --quiet $unit; do sleep 0.1; done
    findmnt --source $stick; find /run/ghostroll/cards -mindepth 1; lsblk -rno RO $stick; mkfs.ext4 -q -F $stick && echo formatted
    journalctl --quiet --output=cat --unit=$unit | grep -o 'is left alone, and can be written to as before'`);
        assert.equal(said, "0\nformatted\nis left alone, and can be written to as before");
        const announced = guest.journal
          .since(mark)
          .filter(({ said: words }) => words?.msg === "card inserted");
        assert.deepEqual(announced, []);
        await sockets.pull("STICK");
      });

      it("a bad contact that brings a card ten times in as many seconds leaves it mounted in the end", async () => {
        const { guest, sockets } = bench.rig;
        await sockets.plug("BOUNCES", bench.card("EOS_DIGITAL").image);
        const mounted = await guest.run(`until [ -e /dev/disk/by-label/EOS_DIGITAL ]; do sleep 0.1; done
    unit=ghostroll-card@$(basename $(realpath /dev/disk/by-label/EOS_DIGITAL)).service
    until systemctl is-active --quiet $unit; do sleep 0.1; done
    for _ in 1 2 3 4 5 6 7 8 9; do systemctl restart $unit; done
    systemctl show --property=Result --value $unit`);
        assert.equal(mounted, "success");
        const mark = guest.journal.mark();
        await guest.run(
          "systemctl restart ghostroll-card@$(basename $(realpath /dev/disk/by-label/EOS_DIGITAL)).service",
        );
        await untilKept(guest, mark, "EOS_DIGITAL");
        assert.equal(sessionsOf(guest, "EOS_DIGITAL").size, 1);
        await sockets.pull("BOUNCES");
      });

      it("beside UDisks2 a card is taken in as ever; one that an automounter was quicker to mount is used where it is, once it may be read", async (t) => {
        const { guest, sockets } = bench.rig;
        await guest.run(
          "rm /etc/systemd/system/udisks2.service; systemctl daemon-reload; systemctl start udisks2.service",
        );
        let mark = guest.journal.mark();
        await sockets.plug("VFAT", bench.card("VFAT").image);
        await untilKept(guest, mark, "VFAT");
        assert.equal(
          await guest.run("find /run/ghostroll/cards -mindepth 1; findmnt --noheadings --types vfat || true"),
          "",
        );
        // What an automounter finds that comes after us.
        const device = "$(realpath /dev/disk/by-label/VFAT)";
        await guest.run(
          `systemctl restart ghostroll-card@$(basename ${device}).service
    cd /run/ghostroll/cards/VFAT && ! udisksctl mount --no-user-interaction -b ${device}`,
        );
        await sockets.pull("VFAT");

        const named = "/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_MOUNTED-0:0-part1";
        mark = guest.journal.mark();
        const put = () => sockets.plug("MOUNTED", bench.card("MOUNTED").image, { bytesPerSecond: SLOW });
        await byHand(guest, { put, mount: `udisksctl mount --no-user-interaction -b ${named}` }, async () => {
          // UDisks2 lets nobody in but whom it mounts for.
          await guest.journal.until(mark, { msg: "The folder /media/root/MOUNTED", code: "card-forbidden" });
          await guest.run("chmod 755 /media/root");
          await guest.journal.until(mark, { msg: "card inserted", card: "MOUNTED" });
        });
        t.diagnostic(
          await guest.run(`findmnt --noheadings --output TARGET,OPTIONS --source $(realpath ${named})`),
        );
        await guest.journal.until(mark, {
          msg: "The card is mounted so that it can be written to",
          card: "MOUNTED",
        });
        // The rule comes late.
        const unit = `ghostroll-card@$(basename $(realpath ${named})).service`;
        await guest.run(`systemctl start ${unit}`);
        assert.match(
          await guest.run(`journalctl --quiet --output=cat --unit=${unit}`),
          /is mounted already, and used as it is/,
        );
        await guest.journal.until(mark, { msg: "Every file on the card is kept", card: "MOUNTED" });
        await guest.journal.until(mark, { msg: "card taken in", card: "MOUNTED" });
        await sockets.pull("MOUNTED");
        await guest.journal.until(mark, { msg: "card removed", card: "MOUNTED" });
        await guest.run(
          'until [ -z "$(find /media /run/media -name MOUNTED 2>/dev/null)" ]; do sleep 0.1; done; systemctl stop udisks2.service',
        );
      });

      it("the service goes on with a card when it was stopped, and is started again when it hangs", async (t) => {
        const { guest, sockets } = bench.rig;
        await guest.run(`mkdir -p /etc/systemd/system/ghostroll.service.d
  printf '[Service]\\nWatchdogSec=10\\nRestartSec=1\\n' >/etc/systemd/system/ghostroll.service.d/fast.conf
  systemctl daemon-reload; systemctl restart ghostroll.service`);
        const put = () => sockets.plug("STOPPED", bench.card("STOPPED").image, { bytesPerSecond: SLOW });
        await bench.insert(t, "STOPPED", put, "a slow card");
        await untilUnderWay(guest);
        const ended = "echo $(systemctl show --property=Result,NRestarts --value ghostroll.service)";
        await guest.run("systemctl stop ghostroll.service");
        assert.equal(await guest.run(ended), "success 0");
        let mark = guest.journal.mark();
        await guest.run("systemctl start ghostroll.service");
        await guest.journal.until(mark, { msg: "card inserted", card: "STOPPED" });
        await untilDone(guest, mark, "STOPPED");
        mark = guest.journal.mark();
        await guest.run("kill -STOP $(systemctl show --property=MainPID --value ghostroll.service)");
        await guest.journal.until(mark, { msg: "waiting for cards" });
        // It says that before it tells systemd.
        await guest.run("until systemctl is-active --quiet ghostroll.service; do sleep 0.1; done");
        assert.equal(await guest.run(ended), "success 1");
        assert.equal(sessionsOf(guest, "STOPPED").size, 1);
        await sockets.pull("STOPPED");
      });
    });
  },
);
