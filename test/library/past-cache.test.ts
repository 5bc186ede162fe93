import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { coldHash } from "../../src/library/cold-hash.ts";
import type { Proof } from "../../src/library/past-cache.ts";
import { wayPastCache } from "../../src/library/past-cache.ts";
import type { Filesystem } from "../support/mount.ts";
import { makeImage, mountImage, run } from "../support/mount.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const skip = lacks("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs") || lacksRoot();

const CASES: readonly (readonly [string, Filesystem, readonly string[], Proof])[] = [
  ["ext4", "ext4", [], "cold"],
  ["xfs", "xfs", [], "cold"],
  ["btrfs", "btrfs", [], "cold"],
  ["ext4 that journals data, too", "ext4", ["-o", "data=journal"], "cached"],
];

describe("reading back past the memory", { skip }, () => {
  for (const [name, filesystem, options, proof] of CASES)
    it(`of ${name} is ${proof}, and what is cold has seen the medium`, async (t) => {
      const folder = await tempFolder(t);
      const [image, root] = [join(folder, "disk.img"), join(folder, "disk")];
      await mkdir(root);
      await makeImage(image, filesystem);
      const { device, release } = await mountImage(image, root, options);
      try {
        await expectProof(image, root, device, proof);
      } finally {
        await release();
      }
    });

  it("is not to be had of memory, nor of a filesystem that nobody has looked into", () => {
    for (const path of ["/dev/shm", "/proc", "/sys"]) assert.equal(wayPastCache(path), "none", path);
  });
});

/** Writes a file, damages it on the medium, and compares what is said of it before and after. */
async function expectProof(image: string, root: string, device: string, proof: Proof): Promise<void> {
  const content = randomBytes(300_001);
  const path = join(root, "IMG_0001.CR3");
  await writeFile(path, content, { flush: true });
  run("sync", "-f", root);
  const written = createHash("sha256").update(content).digest("hex");
  assert.deepEqual(coldHash(path), { hash: written, sizeBytes: content.length, proof });
  assert.ok(content.equals(await readFile(path)), "now it is in the page cache");

  // Below the filesystem: a write to the file of the loop device, which keeps no copy of it in memory.
  run("losetup", "--direct-io=on", device);
  const at = (await readFile(image)).indexOf(content.subarray(8192, 12_288));
  assert.ok(at > 0, "the photo's third block is on the medium");
  const disk = await open(image, "r+");
  await disk.write("DAMAGE", at);
  await disk.sync();
  await disk.close();
  assert.ok(content.equals(await readFile(path)), "a cached read does not see it");
  if (proof === "cold") assert.notEqual(seenIn(path), written);
}

/** What is read, or what is said by a filesystem that finds out by a checksum of its own, and gives nothing. */
function seenIn(path: string): string {
  try {
    return coldHash(path).hash;
  } catch (error) {
    return (error as Error).message;
  }
}
