import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diskOf, parseMounts, parseSwaps, readMounts } from "../../src/card/mounts.ts";

describe("mounts", () => {
  it("are read with escapes, optional fields and either kind of read-only", () => {
    const text = [
      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
      "61 27 8:17 / /media/pi/EOS\\040DIGITAL ro,nosuid shared:5 master:1 - vfat /dev/sdb1 rw,fmask=0022",
      "62 27 8:33 / /media/pi/tab\\011new\\012line\\134 rw - exfat /dev/sdc1 ro",
      "63 27 8:17 /DCIM /mnt/bind rw - vfat /dev/sdb1 rw",
      "64 27 0:50 / /media/Ü\\040x rw - fuse.sshfs host:/a\\040b rw",
      "65 27 0:51 / /tmp/none rw - tmpfs  rw",
      "",
      "garbage",
    ].join("\n");
    const mounts = parseMounts(text);
    assert.deepEqual(
      mounts.map(({ id, device, folder, target, isReadOnly }) => [id, device, folder, target, isReadOnly]),
      [
        [27, "254:0", "/", "/", false],
        [61, "8:17", "/", "/media/pi/EOS DIGITAL", true],
        [62, "8:33", "/", "/media/pi/tab\tnew\nline\\", true],
        [63, "8:17", "/DCIM", "/mnt/bind", false],
        [64, "0:50", "/", "/media/Ü x", false],
        [65, "0:51", "/", "/tmp/none", false],
      ],
    );
    assert.deepEqual(
      [mounts[4]?.type, mounts[4]?.source, mounts[5]?.source],
      ["fuse.sshfs", "host:/a b", ""],
    );
  });

  it("of this machine include its root", async () => {
    const mounts = await readMounts();
    assert.ok(mounts.some(({ target }) => target === "/"));
  });

  it("that have no device have no disk", async () => {
    assert.equal(await diskOf({ device: "0:4095", source: "tmpfs" }), null);
    assert.equal(await diskOf({ device: "4095:1", source: "/dev/ghost1" }), null);
  });

  it("leave swap files out of the swap devices", () => {
    const text =
      "Filename\tType\tSize\n/dev/zram0 partition 1 0 100\n/var/swap file 1 0 -2\n/dev/sda\\0402 partition 1 0 1\n";
    assert.deepEqual(parseSwaps(text), ["/dev/zram0", "/dev/sda 2"]);
  });
});
