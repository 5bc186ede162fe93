import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstat, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import readAgain from "../../src/library/reread-task.ts";
import { lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";
import { withMount } from "./mount.ts";

async function requestFor(root: string, content: Buffer) {
  const path = Buffer.concat([Buffer.from("A\n"), Buffer.from([0xff]), Buffer.from(".JPG")]);
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), path]), content);
  const { size, mtimeMs } = await lstat(Buffer.concat([Buffer.from(`${root}/`), path]));
  return { root, path, name: "A.JPG", sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
}

describe("reading a card file again", () => {
  for (const size of [0, 1, 4096, 1024 * 1024 + 7])
    it(`gives the hash of its ${size} bytes, whatever its name is`, async (t) => {
      const content = Buffer.alloc(size, "photo");
      const found = readAgain(await requestFor(await tempFolder(t), content));
      assert.equal(found.hash, createHash("sha256").update(content).digest("hex"));
      assert.equal(found.sizeBytes, size);
    });

  it("says that it came from memory where nothing else can be had", { skip: lacksRoot() }, () =>
    withMount("mount", ["-t", "tmpfs", "ghostroll-test"], async (mount) => {
      assert.equal(readAgain(await requestFor(mount, Buffer.from("x"))).proof, "cached");
    }),
  );

  it("names a file that changed since the card was listed, and one that is gone", async (t) => {
    const request = await requestFor(await tempFolder(t), Buffer.from("x"));
    assert.throws(() => readAgain({ ...request, sizeBytes: 2 }), { code: "file-changed" });
    assert.throws(() => readAgain({ ...request, path: Buffer.from("gone") }), { code: "file-changed" });
  });
});
