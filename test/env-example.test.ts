import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadSettings } from "../src/config/load.ts";
import { type Default, SETTING_NAMES, SETTINGS } from "../src/config/settings.ts";

const example = readFileSync(join(import.meta.dirname, "../.env.example"), "utf8");
const MACHINE = { coreCount: 4, availableBytes: 8 * 2 ** 30 };

function load(file: string) {
  const cwd = mkdtempSync(join(tmpdir(), "ghostroll-"));
  try {
    writeFileSync(join(cwd, ".env"), file);
    return loadSettings({ flags: {}, environment: {}, cwd, homeDir: "/home/ada" }, MACHINE);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

describe(".env.example", () => {
  it("lists every setting once, in the order of the table, and nothing else", () => {
    const keys = [...example.matchAll(/^#?\s*(GHOSTROLL_\w+)=/gm)].map(([, key]) => key);
    assert.deepEqual(
      keys,
      SETTING_NAMES.map((name) => `GHOSTROLL_${name}`),
    );
  });

  it("changes nothing as it is", () => {
    const { values, origins } = load(example);
    assert.deepEqual(values, load("").values);
    assert.ok(Object.values(origins).every((origin) => origin === "default"));
  });

  it("gives exactly the defaults when every line is uncommented", () => {
    const { values, origins } = load(example.replace(/^# (?=GHOSTROLL_\w+=)/gm, ""));
    assert.deepEqual(values, load("").values);
    assert.ok(Object.values(origins).filter((origin) => origin === ".env").length > 20);
  });

  for (const name of SETTING_NAMES)
    it(`says above GHOSTROLL_${name} what it is for`, () => {
      const words = example.replace(/\n# (?!GHOSTROLL_\w+=)/g, " ");
      const { meaning, default: preset }: { meaning: string; default: Default } = SETTINGS[name];
      const line = words.split("\n").findIndex((each) => each.startsWith(`# GHOSTROLL_${name}=`));
      const above = words.split("\n")[line - 1] ?? "";
      assert.ok(above.includes(meaning), above);
      if (typeof preset !== "string") assert.ok(above.includes(`Default: ${preset.words}.`), above);
    });
});
