import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertServable } from "../../src/app/can-install.ts";
import { Failure } from "../../src/domain/failure.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { tempFolder } from "../support/temp.ts";

const checkout = join(import.meta.dirname, "../..");

/** Every path below a folder with its mode, and what is in it. */
async function tree(root: string): Promise<Record<string, string>> {
  const paths = await readdir(root, { recursive: true });
  const entries = paths.map(async (path) => {
    const stats = await stat(join(root, path));
    const text = stats.isFile() ? await readFile(join(root, path), "utf8") : "";
    return [path, `${(stats.mode & 0o777).toString(8)} ${text}`] as const;
  });
  return Object.fromEntries((await Promise.all(entries)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A root with the folders any Debian has, and somebody else's unit. */
async function machine(root: string): Promise<string> {
  for (const folder of ["sysusers.d", "tmpfiles.d", "systemd/system", "udev/rules.d"])
    await mkdir(join(root, "etc", folder), { recursive: true });
  for (const folder of ["usr/local/lib", "usr/local/bin", "var/lib"])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "etc/systemd/system/other.service"), "[Unit]\n");
  return root;
}

async function run(...words: string[]): Promise<string> {
  const { code, out, err } = await ghostroll(words);
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

describe("installing", () => {
  it("twice leaves what once leaves, and taking it away leaves what was there before, the settings and the library", async (t) => {
    const root = await machine(await tempFolder(t));
    const before = await tree(root);
    const first = await run("install", "--root", root);
    const installed = await tree(root);
    const second = await run("install", "--root", root);
    assert.deepEqual(await tree(root), installed);
    assert.equal(first.match(/^write /gm)?.length, 12);
    assert.doesNotMatch(second, /^(write|make) /m);

    const original = join(root, "var/lib/ghostroll/original");
    await writeFile(original, "a photo");
    await mkdir(join(root, "var/cache/ghostroll/node"), { recursive: true });
    const removal = await run("uninstall", "--root", root);
    assert.match(removal, /^keep +\/var\/lib\/ghostroll {2}\(every original/m);
    const rest = Object.entries(await tree(root)).filter(([path]) => !(path in before));
    assert.deepEqual(
      rest.map(([path, text]) => [path, text.slice(0, 4).trim()]),
      [
        ["etc/ghostroll", "755"],
        ["etc/ghostroll/ghostroll.env", "600"],
        ["var/cache", "755"],
        ["var/lib/ghostroll", "750"],
        ["var/lib/ghostroll/original", "644"],
      ],
    );
    assert.equal(await run("uninstall", "--root", root).then((said) => /^remove/m.test(said)), false);
  });

  it("says each thing it does, and in a dry run does none of it", async (t) => {
    const root = await machine(await tempFolder(t));
    const before = await tree(root);
    const said = await run("install", "--root", root, "--dry-run");
    assert.deepEqual(await tree(root), before);
    assert.match(said, /^would write +\/etc\/systemd\/system\/ghostroll\.service$/m);
    await run("install", "--root", root);
    const installed = await tree(root);
    for (const path of Object.keys(installed).filter((each) => !(each in before) && /\.\w+$/.test(each)))
      assert.ok(said.includes(`/${path}\n`), path);
    await run("uninstall", "--root", root, "--dry-run");
    assert.deepEqual(await tree(root), installed);
  });

  it("keeps the settings of an earlier installation, renews everything else, and names the program where it is", async (t) => {
    const root = await machine(await tempFolder(t));
    await run("install", "--root", root);
    const settings = join(root, "etc/ghostroll/ghostroll.env");
    const unit = join(root, "etc/systemd/system/ghostroll.service");
    assert.match(
      await readFile(unit, "utf8"),
      new RegExp(`^ExecStart=${checkout}/bin/ghostroll watch$`, "m"),
    );
    await writeFile(settings, "GHOSTROLL_S3_BUCKET=mine\n");
    await writeFile(unit, "[Unit]\nDescription=of last year\n");
    await run("install", "--root", root);
    assert.equal(await readFile(settings, "utf8"), "GHOSTROLL_S3_BUCKET=mine\n");
    assert.doesNotMatch(await readFile(unit, "utf8"), /of last year/);
  });

  it("refuses with the fix: without root, or where the service could not look", async () => {
    const options = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const { code, err } = await ghostroll(["install"], options);
    assert.equal(code, 64);
    assert.match(err, /Only root .* Run: sudo \S+\/bin\/ghostroll install/);
    for (const program of ["/home/pi/ghostroll", "/tmp/ghostroll", "/opt/ghost roll"])
      await assert.rejects(
        assertServable(program),
        (error) => Failure.is(error) && /sudo mv '.*' \/opt\/ghostroll/.test(error.message),
      );
  });
});
