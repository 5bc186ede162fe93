import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { parseEnv } from "node:util";
import { loadSettings } from "../src/config/load.ts";
import { blocksOf, isSettings } from "./support/markdown.ts";

const root = join(import.meta.dirname, "..");
const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);

function load(block: string) {
  const environment = parseEnv(block);
  return loadSettings({ flags: {}, environment, cwd: "/nowhere", homeDir: "/nowhere" });
}

describe("what the pages tell people to copy", () => {
  for (const page of pages)
    for (const [index, block] of blocksOf(page, "sh").filter(isSettings).entries())
      it(`${page}: settings ${index + 1} are taken as they are, without a warning`, () => {
        const { warnings, origins } = load(block);
        assert.deepEqual(warnings, []);
        const given = Object.keys(parseEnv(block)).filter((name) => name.startsWith("GHOSTROLL_"));
        for (const name of given)
          assert.equal(origins[name.slice("GHOSTROLL_".length) as keyof typeof origins], "environment", name);
      });

  it("has one block of settings for each store, each with its bucket and keys", () => {
    const text = readFileSync(join(root, "docs/providers.md"), "utf8");
    const stores = [...text.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    assert.deepEqual(stores, [
      "Amazon S3",
      "Cloudflare R2",
      "Backblaze B2",
      "Wasabi",
      "MinIO",
      "Ceph",
      "OpenStack Swift",
    ]);
    const blocks = blocksOf("docs/providers.md", "sh");
    assert.equal(blocks.length, stores.length);
    for (const [index, block] of blocks.entries()) {
      const { store, share } = load(block);
      assert.deepEqual([store.bucket, share.mode], ["my-photos", "presigned"]);
      assert.equal(store.credentials?.accessKeyId, "KEY-ID");
      assert.equal(store.endpoint === null, index === 0, "Amazon alone needs no address");
      assert.equal(store.forcePathStyle, index > 0);
    }
  });

  for (const page of [...pages, "README.md", "ARCHITECTURE.md"])
    it(`${page} links to pages that are there`, () => {
      const text = readFileSync(join(root, page), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(root, dirname(page), target)), target);
    });
});
