import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Failure } from "../../src/domain/failure.ts";
import { withCardFile } from "../../src/library/card-file.ts";
import { coldHash } from "../../src/library/cold-hash.ts";
import headHashes from "../../src/library/head-task.ts";
import copyAndProve from "../../src/library/task.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { withMount } from "./mount.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const bytes = randomFillSync(Buffer.alloc(50 * MIB + 1));

describe("copying a card file", () => {
  let folder: string;
  let card: string;
  let incoming: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-library-"));
    [card, incoming] = [join(folder, "card"), join(folder, "incoming")];
    await Promise.all([mkdir(card), mkdir(incoming)]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const put = async (name: string, content: Uint8Array | string) => {
    await writeFile(join(card, name), content);
    // A time in the past, with the two-second step of FAT.
    await utimes(join(card, name), 1_600_000_002, 1_600_000_002);
    return request(name);
  };
  const request = async (name: string) => {
    const { size, mtimeMs } = await lstat(join(card, name));
    return {
      root: card,
      path: Buffer.from(name),
      name,
      sizeBytes: size,
      modifiedMs: Math.floor(mtimeMs),
      part: join(incoming, `${name}.part`),
    };
  };

  const sizes = [
    0,
    1,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    MIB - 1,
    MIB,
    MIB + 1,
    10 * MIB + 1,
    50 * MIB + 1,
  ];
  for (const size of sizes)
    it(`keeps ${size} bytes as they are, with the hash of all and of the first 64 KiB`, async () => {
      const content = bytes.subarray(0, size);
      const asked = await put("IMG_0001.JPG", content);
      const copy = copyAndProve(asked);
      assert.equal(copy.hash, sha256(content));
      assert.equal(copy.headHash, sha256(content.subarray(0, 64 * KIB)));
      assert.deepEqual(headHashes({ root: card, files: [asked] }), [copy.headHash]);
      assert.equal(copy.sizeBytes, size);
      assert.equal(copy.part, asked.part);
      const { mode, mtimeMs } = await stat(copy.part);
      assert.equal(mode & 0o777, 0o600);
      assert.equal(mtimeMs, 1_600_000_002_000);
      assert.ok(content.equals(await readFile(copy.part)));
      await rm(copy.part);
    });

  it("says what the file is by its content, not by its name alone", async () => {
    const jpeg = Buffer.concat([Buffer.from("ffd8ffe1", "hex"), bytes.subarray(0, 5000)]);
    const copy = copyAndProve(await put("CLIP.MP4", jpeg));
    assert.deepEqual(copy.media, { kind: "picture", contentType: "image/jpeg" });
    await rm(copy.part);
  });

  it("takes names that are not UTF-8 and hold newlines", async () => {
    const path = Buffer.concat([Buffer.from("A\n"), Buffer.from([0xff, 0xfe]), Buffer.from(".JPG")]);
    await writeFile(Buffer.concat([Buffer.from(`${card}/`), path]), "odd");
    const { size, mtimeMs } = await lstat(Buffer.concat([Buffer.from(`${card}/`), path]));
    const part = join(incoming, "odd.part");
    const copy = copyAndProve({
      root: card,
      path,
      name: "odd",
      sizeBytes: size,
      modifiedMs: Math.floor(mtimeMs),
      part,
    });
    assert.equal(copy.hash, sha256(Buffer.from("odd")));
    await rm(part);
  });

  it("refuses a FIFO, a symbolic link, a folder and a device without waiting for them", async () => {
    execFileSync("mkfifo", [join(card, "fifo")]);
    await symlink("/etc/hostname", join(card, "link"));
    await mkdir(join(card, "folder"));
    const names = ["fifo", "link", "folder"];
    for (const name of names) refuses("file-refused", await request(name));
    const device = { ...(await request("fifo")), root: "/dev", path: Buffer.from("zero") };
    refuses("file-refused", device);
    assert.deepEqual(await readdir(incoming), []);
  });

  it("fails a file that is another one than was listed, that shrank, or that is gone", async () => {
    const asked = await put("IMG_0002.JPG", bytes.subarray(0, 3 * MIB));
    refuses("file-changed", { ...asked, modifiedMs: asked.modifiedMs - 2000 });
    await truncate(join(card, "IMG_0002.JPG"), MIB);
    refuses("file-changed", asked);
    await rm(join(card, "IMG_0002.JPG"));
    refuses("file-changed", asked);
    assert.deepEqual(await readdir(incoming), []);
  });

  it("notices a file that grows while it is read", async () => {
    const asked = await put("IMG_0003.JPG", "first");
    assert.throws(
      () =>
        withCardFile(asked, (file) => {
          assert.equal(file.read(Buffer.alloc(5), 0), 5);
          appendFileSync(join(card, "IMG_0003.JPG"), "second");
          file.check();
        }),
      { code: "file-changed" },
    );
  });

  it("takes a missing file on an empty card for a pulled card", async () => {
    const empty = join(folder, "pulled");
    await mkdir(empty);
    refuses("card-removed", { ...(await put("IMG_0004.JPG", "x")), root: empty });
  });

  it("makes a new file where a killed run left one, and never follows a link there", async () => {
    const asked = await put("IMG_0005.JPG", "photo");
    const victim = join(folder, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, asked.part);
    assert.equal(copyAndProve(asked).hash, sha256(Buffer.from("photo")));
    assert.ok((await lstat(asked.part)).isFile());
    assert.equal(await readFile(victim, "utf8"), "precious");
    await rm(asked.part);
  });

  it("says disk-unwritable when the library is not there", async () => {
    const asked = await put("IMG_0006.JPG", "photo");
    refuses("disk-unwritable", { ...asked, part: join(folder, "nowhere", "x.part") });
  });

  it("says disk-full when the disk fills up midway, and leaves no copy", {
    skip: lacksRoot(),
  }, async () => {
    const asked = await put("IMG_0007.JPG", bytes.subarray(0, 4 * MIB));
    await withMount("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs"], async (mount) => {
      refuses("disk-full", { ...asked, part: join(mount, "x.part") });
      assert.deepEqual(await readdir(mount), []);
    });
  });

  it("does not call a copy in memory proved cold", {
    skip: lacksRoot(),
  }, async () => {
    const asked = await put("IMG_0008.JPG", bytes.subarray(0, 100_001));
    await withMount("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs"], async (mount) => {
      assert.equal(copyAndProve({ ...asked, part: join(mount, "x.part") }).proof, "cached");
    });
  });

  it("sees damage on the medium below a cached copy", {
    skip: lacksRoot() || lacks("mkfs.ext4"),
  }, async () => {
    const image = join(folder, "disk.img");
    await writeFile(image, "");
    await truncate(image, 8 * MIB);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    await withMount("mount", ["-o", "loop", image], async (mount) => {
      const content = bytes.subarray(0, 300_001);
      const copy = copyAndProve({ ...(await put("IMG_0009.JPG", content)), part: join(mount, "x.part") });
      assert.equal(copy.proof, "cold");
      assert.ok(content.equals(await readFile(copy.part)), "now it is in the page cache");
      const disk = await readFile(image);
      const at = disk.indexOf(content.subarray(4096, 8192));
      assert.ok(at > 0, "the photo's second block is on the medium");
      execFileSync("dd", [`of=${image}`, "bs=1", `seek=${at}`, "conv=notrunc", "status=none"], {
        input: "DAMAGE",
      });
      assert.equal(sha256(await readFile(copy.part)), copy.hash, "a cached read does not see it");
      const found = coldHash(copy.part);
      assert.notEqual(found.hash, copy.hash);
      assert.equal(found.sizeBytes, content.length);
    });
  });

  function refuses(code: string, asked: Parameters<typeof copyAndProve>[0]): void {
    assert.throws(
      () => copyAndProve(asked),
      (error: unknown) => {
        assert.ok(error instanceof Failure, String(error));
        assert.equal(error.code, code);
        assert.ok(!existsSync(asked.part), "a copy was left");
        return true;
      },
    );
  }
});

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
