import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseCommand } from "../../src/app/cli.ts";
import { SYSTEM_FILES } from "../../src/app/system-files.ts";
import { SETTING_NAMES } from "../../src/config/settings.ts";
import { lacks } from "../support/needs.ts";

const root = join(import.meta.dirname, "../..");
const systemd = join(root, "systemd");
const service = readFileSync(join(systemd, "ghostroll.service"), "utf8");
const units = readdirSync(systemd).filter((name) => /\.(service|path|mount)$/.test(name));

const skip = lacks("systemd-analyze");

/** With programs where they are in this checkout, so that systemd finds them. */
function textOf(unit: string): string {
  return readFileSync(join(systemd, unit), "utf8")
    .replaceAll("/opt/ghostroll", root)
    .replaceAll("/usr/local/lib/ghostroll", systemd);
}

describe("the units", () => {
  let folder: string;
  const place = (unit: string, text = textOf(unit)) => {
    // Of a template, one of its instances can be looked at.
    const file = join(folder, unit.replace("@.", "@sdb1."));
    writeFileSync(file, text);
    return file;
  };
  const analyze = (...words: string[]) => spawnSync("systemd-analyze", words, { encoding: "utf8" });
  const verify = (file: string) => analyze("verify", "--man=no", "--recursive-errors=no", file);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ghostroll-"));
    for (const unit of units) place(unit);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const unit of units)
    it(`${unit} has nothing in it that systemd does not understand`, { skip }, () => {
      const { status, stdout, stderr } = verify(place(unit));
      // It ends with 0 even for an unknown key: only silence says that all is well.
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
    });

  it("would be told of a mistake", { skip }, () => {
    const unit = "ghostroll.service";
    const { stderr } = verify(place(unit, `${textOf(unit)}\n[Service]\nProtectSytem=strict\n`));
    assert.match(stderr, /ProtectSytem/);
  });

  // What mounts has to be root, in the namespace of the whole system: half of what systemd counts is out of its reach.
  const tenths = (unit: string) => (unit === "ghostroll.service" ? 20 : 38);
  for (const unit of units.filter((name) => name.endsWith(".service")))
    it(`${unit} exposes the machine little: ${tenths(unit) / 10} of 10 at most`, { skip }, () => {
      const bound = `--threshold=${tenths(unit)}`;
      const { status, stdout } = analyze("security", "--offline=true", bound, "--no-pager", place(unit));
      assert.equal(status, 0, stdout);
      assert.match(stdout, /Overall exposure level/);
    });

  it("give nobody but the service a mount namespace: cards mounted in another one are seen by nobody", () => {
    // PrivateNetwork makes one, too, since systemd 254.
    const hiding = /^(Private\w+|Protect(?!Hostname)\w+|Read\w+Paths|Bind\w*Paths|MountFlags)=/m;
    assert.match(service, hiding);
    for (const unit of units.filter((name) => name !== "ghostroll.service"))
      assert.doesNotMatch(textOf(unit), hiding, unit);
  });

  it("start a command that exists, with settings that exist", () => {
    const start = /^ExecStart=\/opt\/ghostroll\/(\S+) (.*)$/m.exec(service);
    accessSync(join(root, start?.[1] ?? ""), constants.X_OK);
    assert.equal(parseCommand((start?.[2] ?? "").split(" ")).name, "watch");
    const keys = [...service.matchAll(/^Environment=GHOSTROLL_(\w+)=/gm)].map(([, key]) => key);
    assert.deepEqual(
      keys.filter((key) => key !== "ENV_FILE" && !SETTING_NAMES.some((name) => name === key)),
      [],
    );
  });

  it("are all installed, like everything else beside them", () => {
    const installed = SYSTEM_FILES.map(({ source }) => source.replace("systemd/", ""));
    assert.deepEqual(installed.toSorted(), readdirSync(systemd).toSorted());
  });

  it("come with scripts that shellcheck has nothing to say about", { skip: lacks("shellcheck") }, () => {
    const scripts = [
      ...["mount-card", "ghostroll"].map((name) => join(systemd, name)),
      ...["systemd-box.sh", "boxed.sh"].map((name) => join(import.meta.dirname, name)),
      ...["agent", "fetch-kernel.sh", "init", "make-initramfs.sh"].map((name) =>
        join(root, "test/guest", name),
      ),
    ];
    const { stdout, status } = spawnSync("shellcheck", scripts, { encoding: "utf8" });
    assert.deepEqual([status, stdout], [0, ""]);
  });
});
