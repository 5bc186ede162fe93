import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { contentHash } from "../../src/domain/hash.ts";
import { parseManifest, writeManifest } from "../../src/domain/manifest.ts";
import { tempFolder } from "../support/temp.ts";

const hashOf = (text: string) => contentHash(createHash("sha256").update(text).digest("hex"));

describe("a manifest", () => {
  it("reads back as it was written, whatever the names", () => {
    const line = fc
      .record({ path: fc.string({ minLength: 1 }), text: fc.string() })
      .map(({ path, text }) => ({ path, hash: hashOf(text) }));
    fc.assert(
      fc.property(fc.array(line), (lines) => assert.deepEqual(parseManifest(writeManifest(lines)), lines)),
    );
  });

  it("is accepted by sha256sum, also with a newline and a backslash in a name", async (t) => {
    const folder = await tempFolder(t);
    const names = ["DCIM/100/IMG 1.JPG", "a\nb.jpg", "back\\slash.jpg", "-rf", "é"];
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), name);
    }
    await writeFile(
      join(folder, "SHA256SUMS"),
      writeManifest(names.map((path) => ({ path, hash: hashOf(path) }))),
    );
    const said = execFileSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.equal(said.match(/: OK$/gm)?.length, names.length);
  });
});
