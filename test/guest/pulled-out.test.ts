import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { inAGuest } from "./in-a-guest.ts";
import { FILMS, SLOW } from "./rig.ts";
import { byHand, claimsSince, sessionsOf, untilDone, untilUnderWay } from "./what-is-seen.ts";

const cards = {
  USB_PULLED: { filesystem: "exfat", pictures: 1, films: FILMS },
  RDR_PULLED: { filesystem: "vfat", pictures: 1, films: FILMS },
  SD_PULLED: { filesystem: "vfat", pictures: 1, films: FILMS },
  BAD_SPOT: { filesystem: "vfat", pictures: 1, films: [2, 2] },
  SWAP_A: { filesystem: "vfat", pictures: 1, films: FILMS },
  SWAP_B: { filesystem: "vfat", pictures: 1, films: FILMS },
  STALE_A: { filesystem: "vfat", pictures: 1, films: FILMS },
  STALE_B: { filesystem: "vfat", pictures: 1, films: FILMS },
  EMPTIED: { filesystem: "vfat", pictures: 1, films: FILMS },
} as const;
type Label = keyof typeof cards;

/** Prints what the service's user is told of requests to the card with bad sectors. What can be read of it is kept, so it is unmounted. */
const FAILED_REQUESTS = `device=$(lsblk --noheadings --raw --output MAJ:MIN /dev/disk/by-label/BAD_SPOT)
  runuser -u ghostroll -- sh /opt/ghostroll/bin/node.sh --input-type=module --eval "
    import { failedRequestsOf } from '/opt/ghostroll/src/card/mounts.ts';
    console.log(await failedRequestsOf({ device: '$device', source: '' }));"`;

inAGuest<Label>(
  "cards that are pulled, swapped or damaged while they are read",
  { cards, isLong: true },
  (bench) => {
    const image = (label: Label) => bench.card(label).image;

    const pulls: readonly [string, Label, (bytesPerSecond?: number) => Promise<void>, () => Promise<void>][] =
      [
        [
          "from USB",
          "USB_PULLED",
          (speed) =>
            bench.rig.sockets.plug(
              "PULL",
              image("USB_PULLED"),
              speed === undefined ? {} : { bytesPerSecond: speed },
            ),
          () => bench.rig.sockets.pull("PULL"),
        ],
        [
          "from a reader that was empty before",
          "RDR_PULLED",
          (speed) => bench.rig.sockets.insert("reader", image("RDR_PULLED"), speed),
          () => bench.rig.sockets.eject("reader"),
        ],
        [
          "from an SD slot",
          "SD_PULLED",
          (speed) => bench.rig.sockets.insert("slot", image("SD_PULLED"), speed),
          () => bench.rig.sockets.eject("slot"),
        ],
      ];
    for (const [from, card, put, take] of pulls)
      it(`a card pulled ${from} while it is copied goes on in its session when it is back`, async (t) => {
        const { guest } = bench.rig;
        const mark = await bench.insert(t, card, () => put(SLOW), "a slow card");
        await untilUnderWay(guest);
        await bench.pull(t, card, take);
        assert.deepEqual(claimsSince(guest, mark), []);
        await guest.run('until [ -z "$(find /run/ghostroll/cards -mindepth 1)" ]; do sleep 0.05; done');
        await untilDone(guest, await bench.insert(t, card, () => put()), card);
        assert.equal(sessionsOf(guest, card).size, 1);
        await take();
      });

    it("a card with bad sectors gives all of its other files, and the bad one is named", async (t) => {
      const { guest, sockets } = bench.rig;
      const film = await readFile(join(bench.card("BAD_SPOT").files, "DCIM/100CANON/MVI_0000.MOV"));
      const middle = film.subarray(2 ** 20, 2 ** 20 + 512);
      const first = (await readFile(image("BAD_SPOT"))).indexOf(middle) / 512;
      const badSectors = Array.from({ length: 8 }, (_, n) => first + n);
      const mark = await bench.insert(t, "BAD_SPOT", () =>
        sockets.plug("BAD", image("BAD_SPOT"), { badSectors }),
      );
      const { said } = await guest.journal.until(mark, { msg: "2 of 3 kept; 1 unreadable: " });
      assert.equal(said.msg, "2 of 3 kept; 1 unreadable: DCIM/100CANON/MVI_0000.MOV.");
      await guest.journal.until(mark, { msg: "card taken in", card: "BAD_SPOT" });
      const failed = await guest.run(FAILED_REQUESTS);
      assert.ok(Number(failed) > 0, `${failed} requests have failed`);
      t.diagnostic(`BAD_SPOT: the kernel counts ${failed} failed requests`);
      await sockets.pull("BAD");
      // The spot was dust on a contact.
      await untilDone(
        guest,
        await bench.insert(t, "BAD_SPOT", () => sockets.plug("BAD", image("BAD_SPOT"))),
        "BAD_SPOT",
      );
      await sockets.pull("BAD");
    });

    it("a card swapped for another one in the reader is not mixed with it", async (t) => {
      const { guest, sockets } = bench.rig;
      const put = () => sockets.insert("reader", image("SWAP_A"), SLOW);
      const mark = await bench.insert(t, "SWAP_A", put, "a slow card");
      await untilUnderWay(guest);
      // Within the two seconds in which the kernel looks: it never sees the reader empty.
      await bench.pull(t, "SWAP_A", () => sockets.insert("reader", image("SWAP_B")));
      const gone = await guest.journal.until(mark, { msg: "card removed", card: "SWAP_A" });
      const next = await guest.journal.until(mark, { msg: "card inserted", card: "SWAP_B" });
      t.diagnostic(
        `SWAP_B: announced ${Math.round(next.atMs - gone.atMs)} ms after SWAP_A was known to be gone`,
      );
      await untilDone(guest, mark, "SWAP_B");
      await sockets.eject("reader");
      await untilDone(
        guest,
        await bench.insert(t, "SWAP_A", () => sockets.insert("reader", image("SWAP_A"))),
        "SWAP_A",
      );
      assert.deepEqual([sessionsOf(guest, "SWAP_A").size, sessionsOf(guest, "SWAP_B").size], [1, 1]);
      await sockets.eject("reader");
    });

    /** As a person would, who leaves it mounted when the card goes. */
    const mount = (serial: string, folder: string) =>
      `mkdir -p ${folder} && mount -o ro /dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_${serial}-0:0-part1 ${folder}`;

    it("a card swapped below a mount that stays is not mixed with the other one, and never called done", async (t) => {
      const { guest, sockets } = bench.rig;
      const mark = guest.journal.mark();
      const put = () => sockets.insert("reader", image("STALE_A"), SLOW);
      await byHand(guest, { put, mount: mount("READER", "/media/STALE_A") }, async () => {
        await guest.journal.until(mark, { msg: "card inserted", card: "STALE_A" });
        await untilUnderWay(guest);
        await bench.pull(t, "STALE_A", () => sockets.swap("reader", image("STALE_B")));
        assert.equal(await guest.run("findmnt -rno TARGET /media/STALE_A"), "/media/STALE_A");
        assert.deepEqual(claimsSince(guest, mark), []);
        await guest.run("umount /media/STALE_A");
      });
      await sockets.eject("reader");
      for (const card of ["STALE_A", "STALE_B"] as const) {
        await untilDone(
          guest,
          await bench.insert(t, card, () => sockets.insert("reader", image(card))),
          card,
        );
        await sockets.eject("reader");
        assert.equal(sessionsOf(guest, card).size, 1);
      }
    });

    it("a FAT card that was pulled and now looks empty is not an empty card", async (t) => {
      const { guest, sockets } = bench.rig;
      const mark = guest.journal.mark();
      const put = () => sockets.plug("EMPTIED", image("EMPTIED"), { bytesPerSecond: SLOW });
      await byHand(guest, { put, mount: mount("EMPTIED", "/media/EMPTIED") }, async () => {
        await guest.journal.until(mark, { msg: "card inserted", card: "EMPTIED" });
        await untilUnderWay(guest);
        await bench.pull(t, "EMPTIED", () => sockets.pull("EMPTIED"));
        assert.equal(
          await guest.run("findmnt -rno TARGET /media/EMPTIED; ls /media/EMPTIED"),
          "/media/EMPTIED",
        );
        assert.deepEqual(claimsSince(guest, mark), []);
        await guest.run("umount /media/EMPTIED");
      });
      await untilDone(
        guest,
        await bench.insert(t, "EMPTIED", () => sockets.plug("EMPTIED", image("EMPTIED"))),
        "EMPTIED",
      );
      assert.equal(sessionsOf(guest, "EMPTIED").size, 1);
      await sockets.pull("EMPTIED");
    });
  },
);
