import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseCommand } from "../../src/app/cli.ts";
import { SETTING_NAMES } from "../../src/config/settings.ts";
import { lacks } from "../support/needs.ts";

const root = join(import.meta.dirname, "../..");
const unit = readFileSync(join(root, "systemd/ghostroll.service"), "utf8");

const skip = lacks("systemd-analyze");

describe("ghostroll.service", () => {
  let folder: string;
  let file: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ghostroll-"));
    file = join(folder, "ghostroll.service");
    writeFileSync(file, unit.replaceAll("/opt/ghostroll", root));
  });
  after(() => rmSync(folder, { recursive: true }));

  const analyze = (...words: string[]) =>
    spawnSync("systemd-analyze", [...words, file], { encoding: "utf8" });

  it("has nothing in it that systemd does not understand", { skip }, () => {
    const { status, stdout, stderr } = analyze("verify", "--man=no", "--recursive-errors=no");
    // It ends with 0 even for an unknown key: only silence says that all is well.
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
  });

  it("would be told of a mistake", { skip }, () => {
    writeFileSync(file, `${unit.replaceAll("/opt/ghostroll", root)}\n[Service]\nProtectSytem=strict\n`);
    const { stderr } = analyze("verify", "--man=no", "--recursive-errors=no");
    writeFileSync(file, unit.replaceAll("/opt/ghostroll", root));
    assert.match(stderr, /ProtectSytem/);
  });

  it("exposes the machine little: 2.0 of 10 at most", { skip }, () => {
    const { status, stdout } = analyze("security", "--offline=true", "--threshold=20", "--no-pager");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /Overall exposure level/);
  });

  it("starts a command that exists, with settings that exist", () => {
    const start = /^ExecStart=\/opt\/ghostroll\/(\S+) (.*)$/m.exec(unit);
    accessSync(join(root, start?.[1] ?? ""), constants.X_OK);
    assert.equal(parseCommand((start?.[2] ?? "").split(" ")).name, "watch");
    const keys = [...unit.matchAll(/^Environment=GHOSTROLL_(\w+)=/gm)].map(([, key]) => key);
    assert.deepEqual(
      keys.filter((key) => key !== "ENV_FILE" && !SETTING_NAMES.some((name) => name === key)),
      [],
    );
  });
});
