import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MountOnDisk } from "../../src/card/candidates.ts";
import { isCard, possibleCards } from "../../src/card/candidates.ts";
import type { Disk } from "../../src/card/mounts.ts";

const sd: Disk = { name: "mmcblk0", sizeBytes: 32e9, sequence: "1", isRemovable: false };
const slot: Disk = { name: "mmcblk1", sizeBytes: 64e9, sequence: "7", isRemovable: false };
const stick: Disk = { name: "sda", sizeBytes: 64e9, sequence: "9", isRemovable: true };
const ssd: Disk = { name: "sdb", sizeBytes: 1e12, sequence: "3", isRemovable: false };
const zram: Disk = { name: "zram0", sizeBytes: 1e9, sequence: "2", isRemovable: false };

let lastId = 0;
function mount(
  target: string,
  disk: Disk | null,
  source = disk === null ? "none" : `/dev/${disk.name}p1`,
): MountOnDisk {
  return { id: ++lastId, device: "8:1", folder: "/", target, type: "vfat", source, isReadOnly: true, disk };
}

describe("possible cards", () => {
  const machine = [mount("/", sd), mount("/boot/firmware", sd)];
  const rows: [promise: string, mounts: MountOnDisk[], expected: string[]][] = [
    ["a mount below a mount root", [mount("/media/pi/EOS", slot)], ["/media/pi/EOS"]],
    ["a removable drive anywhere", [mount("/mnt/anything", stick)], ["/mnt/anything"]],
    ["a drive that drivelist calls removable", [mount("/mnt/slot", slot)], ["/mnt/slot"]],
    ["no fixed drive elsewhere", [mount("/mnt/photos", ssd)], []],
    ["no folder whose name only begins like a mount root", [mount("/media2/x", ssd)], []],
    ["no mount root itself", [mount("/media", ssd)], []],
    ["nothing on the disk the machine starts from", [mount("/media/pi/data", sd)], []],
    ["nothing on the disk that holds /home", [mount("/home", ssd), mount("/media/pi/more", ssd)], []],
    ["nothing on a removable disk that holds /usr", [mount("/usr", stick), mount("/media/x", stick)], []],
    ["nothing on a disk with swap", [mount("/media/zram", zram)], []],
    ["no reader whose card is out", [mount("/media/x", { ...stick, sizeBytes: 0 })], []],
    ["no mount whose device is gone", [mount("/media/x", null, "/dev/sdz1")], []],
    ["nothing that holds what we write to", [mount("/media/backup", ssd)], []],
    [
      "nothing else on its disk, wherever that is mounted",
      [
        mount("/media/backup", ssd),
        mount("/media/more", ssd),
        mount("/mnt/library", stick),
        mount("/x", stick),
      ],
      [],
    ],
    [
      "a card beside the disk we write to",
      [mount("/media/backup", ssd), mount("/media/c", slot)],
      ["/media/c"],
    ],
    ["nothing that lies in what we write to", [mount("/mnt/library/originals/2026", stick)], []],
    [
      "no share that we write to, mounted a second time",
      [
        { ...mount("/media/share", null), device: "0:61" },
        { ...mount("/media/b", null), device: "0:61" },
      ],
      [],
    ],
    [
      "a mount without a device below a mount root",
      [mount("/media/phone", null, "jmtpfs")],
      ["/media/phone"],
    ],
    [
      "only the newest of two mounts on one folder",
      [mount("/media/x", stick), mount("/media/x", slot)],
      ["/media/x"],
    ],
  ];
  const drives = [
    { name: "mmcblk1", isRemovable: true },
    { name: "mmcblk0", isRemovable: true },
    { name: "sdb", isRemovable: false },
  ];
  for (const [promise, mounts, expected] of rows)
    it(`are ${promise}`, () => {
      const found = possibleCards({
        mounts: [...machine, ...mounts],
        swapDisks: ["zram0"],
        drives,
        mountRoots: ["/media"],
        ours: ["/mnt/library/originals", "/media/backup/ghostroll", "/media/share/ghostroll"],
      });
      assert.deepEqual(
        found.map(({ target }) => target),
        expected,
      );
    });

  it("are found below the mount roots when drivelist says nothing", () => {
    const mounts = [...machine, mount("/media/a", slot), mount("/mnt/b", slot)];
    const found = possibleCards({ mounts, swapDisks: [], drives: null, mountRoots: ["/media"], ours: [] });
    assert.deepEqual(
      found.map(({ target }) => target),
      ["/media/a"],
    );
  });
});

describe("a card", () => {
  it("is known by the folders cameras make, in any case, or by a configured label", () => {
    for (const folder of ["DCIM", "dcim", "PRIVATE", "MP_ROOT", "CLIP"])
      assert.ok(isCard(["x", folder], "", []));
    assert.ok(!isCard(["Documents", "DCIM2"], "BACKUP", ["EOS"]));
    assert.ok(isCard([], "EOS", ["NIKON", "EOS"]));
  });
});
