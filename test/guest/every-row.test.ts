import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, describe, it } from "node:test";
import { IS_LONG } from "../support/figures.ts";
import { assertComplete } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { GUEST_MS, GUEST_PROGRAMS, lacksKernel } from "./guest.ts";
import type { Rig } from "./rig.ts";
import { assertUntouched, openRig } from "./rig.ts";
import { announce, claimsSince, notice, sessionsOf, untilDone, untilUnderWay } from "./what-is-seen.ts";

/** Films that a slow card gives in half a minute: time enough to pull it. */
const FILMS = [4, 4, 4] as const;
const SLOW = 500_000;
const PLANS = {
  VFAT: { filesystem: "vfat", pictures: 2 },
  EXFAT: { filesystem: "exfat", pictures: 2 },
  READER: { filesystem: "vfat", pictures: 2 },
  SLOT: { filesystem: "exfat", pictures: 2 },
  BARE: { filesystem: "vfat", pictures: 2, isBare: true },
  LOCKED: { filesystem: "exfat", pictures: 2 },
  USB_PULLED: { filesystem: "exfat", pictures: 2, films: FILMS },
  RDR_PULLED: { filesystem: "vfat", pictures: 2, films: FILMS },
  SD_PULLED: { filesystem: "vfat", pictures: 2, films: FILMS },
  BAD_SPOT: { filesystem: "vfat", pictures: 2, films: [2, 2] },
  SWAP_A: { filesystem: "vfat", pictures: 2, films: FILMS },
  SWAP_B: { filesystem: "vfat", pictures: 2, films: FILMS },
  STALE_A: { filesystem: "vfat", pictures: 2, films: FILMS },
  STALE_B: { filesystem: "vfat", pictures: 2, films: FILMS },
  EMPTIED: { filesystem: "vfat", pictures: 2, films: FILMS },
  STOPPED: { filesystem: "exfat", pictures: 2, films: FILMS },
} as const;
type Label = keyof typeof PLANS;

if (IS_LONG)
  describe("in the guest", { skip: lacks(...GUEST_PROGRAMS) || lacksKernel(), timeout: 3 * GUEST_MS }, () => {
    let folder: string;
    let rig: Rig<Label>;
    const announcedMs: number[] = [];
    const noticedMs: number[] = [];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "ghostroll-guest-"));
      rig = await openRig(folder, PLANS);
    });
    after(async () => {
      await rig?.close();
      await rm(folder, { recursive: true });
    });

    const insert = async (t: TestContext, card: Label, act: () => Promise<void>) => {
      const { mark, announcedMs: ms } = await announce(rig, card, act);
      announcedMs.push(ms);
      t.diagnostic(`${card}: announced ${ms} ms after it was put in`);
      return mark;
    };
    const pull = async (t: TestContext, card: Label, act: () => Promise<void>) => {
      const { noticedMs: ms } = await notice(rig.guest, card, act);
      noticedMs.push(ms);
      t.diagnostic(`${card}: its removal noticed ${ms} ms later`);
    };
    const image = (card: Label) => rig.cards[card].image;

    const kinds: readonly [string, Label, () => Promise<void>, () => Promise<void>][] = [
      [
        "a USB card with FAT",
        "VFAT",
        () => rig.sockets.plug("VFAT", image("VFAT")),
        () => rig.sockets.pull("VFAT"),
      ],
      [
        "a USB card with exFAT",
        "EXFAT",
        () => rig.sockets.plug("EXFAT", image("EXFAT")),
        () => rig.sockets.pull("EXFAT"),
      ],
      [
        "a card in a USB reader that was empty",
        "READER",
        () => rig.sockets.insert("reader", image("READER")),
        () => rig.sockets.eject("reader"),
      ],
      [
        "a card in an SD slot",
        "SLOT",
        () => rig.sockets.insert("slot", image("SLOT")),
        () => rig.sockets.eject("slot"),
      ],
      [
        "a card without a partition table",
        "BARE",
        () => rig.sockets.plug("BARE", image("BARE")),
        () => rig.sockets.pull("BARE"),
      ],
      [
        "a locked card",
        "LOCKED",
        () => rig.sockets.plug("LOCKED", image("LOCKED"), { isLocked: true }),
        () => rig.sockets.pull("LOCKED"),
      ],
    ];
    for (const [kind, card, put, take] of kinds)
      it(`${kind} is announced, kept, shown, and unmounted`, async (t) => {
        const mark = await insert(t, card, put);
        await untilDone(rig.guest, mark, card);
        assert.equal(await rig.guest.run("find /run/ghostroll/cards -mindepth 1"), "");
        assert.equal(await rig.guest.run(`lsblk -rno RO /dev/disk/by-label/${card}`), "1");
        await take();
      });

    const pulls: readonly [string, Label, (bytesPerSecond?: number) => Promise<void>, () => Promise<void>][] =
      [
        [
          "from USB",
          "USB_PULLED",
          (speed) =>
            rig.sockets.plug(
              "PULL",
              image("USB_PULLED"),
              speed === undefined ? {} : { bytesPerSecond: speed },
            ),
          () => rig.sockets.pull("PULL"),
        ],
        [
          "from a reader",
          "RDR_PULLED",
          (speed) => rig.sockets.insert("reader", image("RDR_PULLED"), speed),
          () => rig.sockets.eject("reader"),
        ],
        [
          "from an SD slot",
          "SD_PULLED",
          (speed) => rig.sockets.insert("slot", image("SD_PULLED"), speed),
          () => rig.sockets.eject("slot"),
        ],
      ];
    for (const [from, card, put, take] of pulls)
      it(`a card pulled ${from} while it is copied goes on in its session when it is back`, async (t) => {
        const { guest } = rig;
        const mark = await insert(t, card, () => put(SLOW));
        await untilUnderWay(guest);
        await pull(t, card, take);
        assert.deepEqual(claimsSince(guest, mark), []);
        await guest.run('until [ -z "$(find /run/ghostroll/cards -mindepth 1)" ]; do sleep 0.05; done');
        await untilDone(guest, await insert(t, card, () => put()), card);
        assert.equal(sessionsOf(guest, card).size, 1);
        await take();
      });

    it("a card with bad sectors gives all of its other files, and the bad one is named", async (t) => {
      const { guest, sockets, cards } = rig;
      const film = await readFile(join(cards.BAD_SPOT.files, "DCIM/100CANON/MVI_0000.MOV"));
      const middle = film.subarray(2 ** 20, 2 ** 20 + 512);
      const first = (await readFile(image("BAD_SPOT"))).indexOf(middle) / 512;
      const badSectors = Array.from({ length: 8 }, (_, n) => first + n);
      const mark = await insert(t, "BAD_SPOT", () => sockets.plug("BAD", image("BAD_SPOT"), { badSectors }));
      const { said } = await guest.journal.until(mark, { msg: "3 of 4 kept; 1 unreadable: " });
      assert.equal(said.msg, "3 of 4 kept; 1 unreadable: DCIM/100CANON/MVI_0000.MOV.");
      await guest.journal.until(mark, { msg: "card taken in", card: "BAD_SPOT" });
      await sockets.pull("BAD");
      // The spot was dust on a contact.
      await untilDone(
        guest,
        await insert(t, "BAD_SPOT", () => sockets.plug("BAD", image("BAD_SPOT"))),
        "BAD_SPOT",
      );
      await sockets.pull("BAD");
    });

    it("a card swapped for another one in the reader is not mixed with it", async (t) => {
      const { guest, sockets } = rig;
      const mark = await insert(t, "SWAP_A", () => sockets.insert("reader", image("SWAP_A"), SLOW));
      await untilUnderWay(guest);
      // Within the two seconds in which the kernel looks: it never sees the reader empty.
      await pull(t, "SWAP_A", () => sockets.insert("reader", image("SWAP_B")));
      const gone = await guest.journal.until(mark, { msg: "card removed", card: "SWAP_A" });
      const next = await guest.journal.until(mark, { msg: "card inserted", card: "SWAP_B" });
      t.diagnostic(
        `SWAP_B: announced ${Math.round(next.atMs - gone.atMs)} ms after SWAP_A was known to be gone`,
      );
      await untilDone(guest, mark, "SWAP_B");
      await sockets.eject("reader");
      await untilDone(
        guest,
        await insert(t, "SWAP_A", () => sockets.insert("reader", image("SWAP_A"))),
        "SWAP_A",
      );
      assert.deepEqual([sessionsOf(guest, "SWAP_A").size, sessionsOf(guest, "SWAP_B").size], [1, 1]);
      await sockets.eject("reader");
    });

    /** Lets somebody else mount what comes, and leave it mounted when it goes. */
    const byHand = async (
      device: string,
      folder: string,
      put: () => Promise<void>,
      meanwhile: () => Promise<void>,
    ) => {
      const { guest } = rig;
      const rule = "/etc/udev/rules.d/99-ghostroll.rules";
      await guest.run(`mv ${rule} /root/rule; udevadm control --reload; mkdir -p ${folder}`);
      try {
        await put();
        await guest.run(`until mount -o ro ${device} ${folder} 2>/dev/null; do sleep 0.05; done`);
        await meanwhile();
      } finally {
        await guest.run(`umount ${folder}; mv /root/rule ${rule}; udevadm control --reload`);
      }
    };
    const named = (serial: string) => `/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_${serial}-0:0-part1`;

    it("a card swapped below a mount that stays is not mixed with the other one, and never called done", async (t) => {
      const { guest, sockets } = rig;
      const mark = guest.journal.mark();
      const put = () => sockets.insert("reader", image("STALE_A"), SLOW);
      await byHand(named("READER"), "/media/STALE_A", put, async () => {
        await guest.journal.until(mark, { msg: "card inserted", card: "STALE_A" });
        await untilUnderWay(guest);
        await pull(t, "STALE_A", () => sockets.insert("reader", image("STALE_B")));
        assert.equal(await guest.run("findmnt -rno TARGET /media/STALE_A"), "/media/STALE_A");
        assert.deepEqual(claimsSince(guest, mark), []);
      });
      await sockets.eject("reader");
      for (const card of ["STALE_A", "STALE_B"] as const) {
        await untilDone(guest, await insert(t, card, () => sockets.insert("reader", image(card))), card);
        await sockets.eject("reader");
        assert.equal(sessionsOf(guest, card).size, 1);
      }
    });

    it("a FAT card that was pulled and now looks empty is not an empty card", async (t) => {
      const { guest, sockets } = rig;
      const mark = guest.journal.mark();
      const put = () => sockets.plug("EMPTIED", image("EMPTIED"), { bytesPerSecond: SLOW });
      await byHand(named("EMPTIED"), "/media/EMPTIED", put, async () => {
        await guest.journal.until(mark, { msg: "card inserted", card: "EMPTIED" });
        await untilUnderWay(guest);
        await pull(t, "EMPTIED", () => sockets.pull("EMPTIED"));
        assert.equal(
          await guest.run("findmnt -rno TARGET /media/EMPTIED; ls /media/EMPTIED"),
          "/media/EMPTIED",
        );
        assert.deepEqual(claimsSince(guest, mark), []);
      });
      await untilDone(
        guest,
        await insert(t, "EMPTIED", () => sockets.plug("EMPTIED", image("EMPTIED"))),
        "EMPTIED",
      );
      assert.equal(sessionsOf(guest, "EMPTIED").size, 1);
      await sockets.pull("EMPTIED");
    });

    it("the service goes on with a card when it was stopped, and is started again when it hangs", async (t) => {
      const { guest, sockets } = rig;
      await guest.run(`mkdir -p /etc/systemd/system/ghostroll.service.d
        printf '[Service]\\nWatchdogSec=10\\nRestartSec=1\\n' >/etc/systemd/system/ghostroll.service.d/fast.conf
        systemctl daemon-reload; systemctl restart ghostroll.service`);
      await insert(t, "STOPPED", () => sockets.plug("STOPPED", image("STOPPED"), { bytesPerSecond: SLOW }));
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

    it("in the end no card was written to, and the library holds each content once", async (t) => {
      // Told, not demanded: what waits for the files of a busy machine shows in the guest too.
      const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
      t.diagnostic(
        `${rig.guest.accelerator}: announced after ${median(announcedMs)} ms in the middle, ${Math.max(...announcedMs)} at most, of ${announcedMs.length}; load ${loadavg()[0]}`,
      );
      t.diagnostic(
        `removal noticed after ${median(noticedMs)} ms in the middle, ${Math.max(...noticedMs)} at most, of ${noticedMs.length}`,
      );
      for (const card of Object.values(rig.cards)) await assertUntouched(card);
      const contents = new Set(Object.values(rig.cards).flatMap((card) => [...card.contents]));
      const tiles = Object.values(rig.cards).reduce((sum, card) => sum + card.tiles, 0);
      await assertComplete(await rig.library(), contents, tiles);
    });
  });
