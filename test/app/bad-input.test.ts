import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, rmdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { picture, pictureCard } from "../support/card.ts";
import type { Ended } from "../support/ghostroll.ts";
import { ghostroll } from "../support/ghostroll.ts";
import { lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

/** One sentence on stderr, or a few, no stack, the exit code of sysexits. */
function assertSays(ended: Ended, code: number, ...patterns: RegExp[]): void {
  const said = ended.err + ended.out;
  assert.equal(ended.code, code, said);
  for (const pattern of patterns) assert.match(said, pattern);
  assert.doesNotMatch(said, /^\s+at .*:\d+:\d+\)?$/m, "a stack trace reached a person");
  assert.doesNotMatch(said, /undefined|\[object|NaN/);
}

/** Debian's user `nobody`. */
const NOBODY = 65534;

async function places(test: TestContext) {
  const folder = await tempFolder(test);
  const base = join(folder, "library");
  return { folder, base, card: join(folder, "card"), flags: ["--base-dir", base, "--no-serve"] };
}

async function originals(base: string): Promise<string[]> {
  const all = await readdir(join(base, "originals"), { recursive: true }).catch(() => []);
  return all.filter((path) => path.endsWith(".JPG"));
}

describe("bad input gets a sentence with the fix", () => {
  it("a folder that is not there", async (t) => {
    const { folder, flags } = await places(t);
    assertSays(
      await ghostroll(["ingest", join(folder, "nowhere"), ...flags]),
      74,
      /nowhere/,
      /Check the path/,
    );
  });

  it("a file instead of a folder", async (t) => {
    const { folder, flags } = await places(t);
    await writeFile(join(folder, "IMG.JPG"), "x");
    assertSays(
      await ghostroll(["ingest", join(folder, "IMG.JPG"), ...flags]),
      74,
      /IMG\.JPG.* (is|a) .*file/,
    );
  });

  it("a folder that cannot be read", async (t) => {
    const { folder, base, card, flags } = await places(t);
    await mkdir(card);
    await mkdir(base);
    await chmod(folder, 0o755);
    await chmod(card, 0o000);
    // Root reads everything, so it asks somebody else.
    const options = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    if (options.uid !== undefined) await chown(base, NOBODY, NOBODY);
    const ended = await ghostroll(["ingest", card, ...flags], options);
    await chmod(card, 0o700);
    assertSays(ended, 74, /card/, /may not be read by the user nobody/, /chmod/);
  });

  it("a card without a file", async (t) => {
    const { card, flags } = await places(t);
    await mkdir(join(card, "DCIM"), { recursive: true });
    assertSays(await ghostroll(["ingest", card, ...flags]), 74, /not a single file/, /right card/);
  });

  it("a disk with too little space, before the first byte", async (t) => {
    const { card, base, flags } = await places(t);
    await pictureCard(card, 3);
    const ended = await ghostroll(["ingest", card, ...flags, "--set", "RESERVE_MB=1000000"]);
    assertSays(ended, 75, /needs .*(GB|TB)/, /free/, /GHOSTROLL_BASE_DIR/);
    assert.deepEqual(await originals(base), []);
  });

  it("a disk that fills up midway: what is kept is whole, and it goes on when there is room", {
    skip: lacksRoot(),
  }, async (t) => {
    const { card } = await places(t);
    const disk = await mkdtemp(join(tmpdir(), "ghostroll-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "ghostroll-test", disk]);
    t.after(async () => {
      execFileSync("umount", [disk]);
      await rmdir(disk);
    });
    await mkdir(join(card, "DCIM"), { recursive: true });
    for (let n = 0; n < 6; n++)
      await writeFile(
        join(card, `DCIM/MVI_000${n}.MOV`),
        Buffer.concat([Buffer.from("\0\0\0\x14ftypqt  "), Buffer.alloc(3_000_000, n)]),
      );
    await writeFile(join(disk, "ballast"), Buffer.alloc(10_000_000));
    const flags = ["--base-dir", join(disk, "library"), "--no-serve", "--set", "RESERVE_MB=0"];
    assertSays(await ghostroll(["ingest", card, ...flags]), 75, /free|full/, /GHOSTROLL_BASE_DIR/);
    execFileSync("rm", [join(disk, "ballast")]);
    const again = await ghostroll(["ingest", card, ...flags]);
    assert.equal(again.code, 0, again.out + again.err);
    const kept = (await readdir(join(disk, "library/originals"), { recursive: true })).filter((path) =>
      path.endsWith(".MOV"),
    );
    assert.equal(kept.length, 6);
  });

  it("an unknown setting, with the one that was meant", async (t) => {
    const { base } = await places(t);
    const env = { GHOSTROLL_BASE_DIR: base, GHOSTROLL_S3_BUKET: "x" };
    assertSays(await ghostroll(["status"], { env }), 78, /GHOSTROLL_S3_BUKET/, /GHOSTROLL_S3_BUCKET/);
  });

  it("a library that is not there yet, when only looked at: nothing is made by looking", async (t) => {
    const { base } = await places(t);
    for (const command of ["status", "sessions"]) {
      const { code, out, err } = await ghostroll([command, "--base-dir", base]);
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, /ghostroll demo/);
    }
    await assert.rejects(readdir(base), { code: "ENOENT" });
  });

  it("a library that is not where a command is told that it is: none is made, and all is not well", async (t) => {
    const { folder, base } = await places(t);
    const commands = [
      "verify",
      "retry",
      "backup",
      "rebuild",
      "link last",
      "share last --renew",
      "revoke last",
    ];
    for (const command of commands) {
      const flagged = await ghostroll([...command.split(" "), "--base-dir", base]);
      assertSays(flagged, 64, new RegExp(`no library in ${base}, as --base-dir says`));
      const set = await ghostroll(command.split(" "), { env: { GHOSTROLL_BASE_DIR: base } });
      assertSays(set, 64, /as GHOSTROLL_BASE_DIR in the environment says/);
    }
    assert.deepEqual(await readdir(folder), []);
    const file = join(folder, "file");
    await writeFile(file, "");
    for (const command of ["status", "sessions", "verify"])
      assertSays(await ghostroll([command, "--base-dir", file]), 64, /A file cannot be a library/);
    const nowhere = await ghostroll(["ingest", folder, "--base-dir", "/proc/nowhere", "--no-serve"]);
    assertSays(nowhere, 74, /\/proc\/nowhere cannot be made/);
  });

  it("several bad values, all in one message", async (t) => {
    const { base } = await places(t);
    const env = {
      GHOSTROLL_BASE_DIR: base,
      GHOSTROLL_WEB_PORT: "eighty",
      GHOSTROLL_SHARE_QUALITY: "101",
      GHOSTROLL_RESCAN: "maybe",
    };
    assertSays(
      await ghostroll(["config"], { env }),
      78,
      /WEB_PORT.*eighty/,
      /SHARE_QUALITY.*101/,
      /RESCAN.*maybe.*sampled/,
    );
  });

  it("a port in use", async (t) => {
    const { card, base, flags } = await places(t);
    await pictureCard(card, 1);
    const other = createServer().listen(0, "127.0.0.1");
    t.after(() => void other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const asked = ["ingest", card, ...flags.slice(0, 2), "--serve", "--set", `WEB_PORT=${port}`];
    assertSays(await ghostroll(asked), 75, new RegExp(`${port}`), /GHOSTROLL_WEB_PORT/);
    const unasked = await ghostroll(["ingest", card, ...flags, "--set", `WEB_PORT=${port}`]);
    assertSays(unasked, 0, /not served/, /`ghostroll watch`/);
    assert.doesNotMatch(unasked.out, /http:/, "a link would lead to the other program");
    assert.match((await ghostroll(["link", "last", "--base-dir", base])).out, /http:\/\/127\.0\.0\.1:8081\//);
  });

  it("a link while no port is chosen: none, and what to set", async (t) => {
    const { card, base, flags } = await places(t);
    await pictureCard(card, 1);
    const port = ["--set", "WEB_PORT=0"];
    const ended = await ghostroll(["ingest", card, ...flags, ...port]);
    assertSays(ended, 0, /Set it to a port/);
    for (const argv of [["link", "last"], ["sessions"], ["share", "last", "--renew"]]) {
      const said = await ghostroll([...argv, "--base-dir", base, ...port]);
      assertSays(said, 0, /GHOSTROLL_WEB_PORT is 0/, /`ghostroll watch`/);
      assert.doesNotMatch(said.out, /http:/);
    }
    const sent = await ghostroll([
      "link",
      "last",
      "--text",
      "command:/bin/false",
      "--base-dir",
      base,
      ...port,
    ]);
    assertSays(sent, 78, /GHOSTROLL_WEB_PORT is 0/);
  });

  it("an endpoint that cannot be reached: the originals are kept, and go out later", async (t) => {
    const { card, base } = await places(t);
    await pictureCard(card, 3);
    const env = {
      GHOSTROLL_BASE_DIR: base,
      GHOSTROLL_S3_BUCKET: "photos",
      GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:1",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };
    const ended = await ghostroll(["ingest", card], { env });
    assertSays(ended, 75, /127\.0\.0\.1:1/, /originals are kept/, /GHOSTROLL_S3_ENDPOINT/);
    assert.match(ended.out, /Uploading a picture: 127\.0\.0\.1:1 cannot be reached/);
    assert.doesNotMatch(ended.out + ended.err, /wJalrXUtnFEMI|[0-9a-f]{64}|\bg\//);
    assert.equal((await originals(base)).length, 3);
    const url = ["--set", "WEB_URL=http://ghostroll.test"];
    const later = await ghostroll(["ingest", card, "--base-dir", base, "--no-serve", ...url]);
    assertSays(later, 0, /Nothing new/, /\/o\/g\//);
  });

  it("a command and an option that do not exist", async () => {
    assertSays(await ghostroll(["ingst", "/x"]), 64, /ingest/);
    assertSays(await ghostroll(["ingest", "/x", "--sevre"]), 64, /--serve/);
    assertSays(await ghostroll(["ingest"]), 64, /card or folder/);
  });

  it("a second GhostRoll on the same library", async (t) => {
    const { card, base, flags } = await places(t);
    await pictureCard(card, 1);
    await mkdir(base, { recursive: true });
    const { lockLibrary } = await import("../../src/catalog/lock.ts");
    const release = lockLibrary(join(base, "ghostroll.lock"));
    t.after(release);
    assertSays(await ghostroll(["ingest", card, ...flags]), 75, /Another GhostRoll/);
  });

  it("a file that is no picture though its name says so: kept, named, exit code 3", async (t) => {
    const { card, base, flags } = await places(t);
    await mkdir(join(card, "DCIM"), { recursive: true });
    await writeFile(join(card, "DCIM/IMG_0001.JPG"), await picture(1));
    await writeFile(join(card, "DCIM/IMG_0002.JPG"), "this is not a picture");
    assertSays(await ghostroll(["ingest", card, ...flags]), 3, /IMG_0002\.JPG: .*picture/, /2 files kept/);
    assert.equal((await originals(base)).length, 2);
  });

  it("a FIFO and a link on the card: refused by name, never waited for, the rest is kept", async (t) => {
    const { card, base, flags } = await places(t);
    await pictureCard(card, 2);
    execFileSync("mkfifo", [join(card, "DCIM/IMG_9999.JPG")]);
    execFileSync("ln", ["-s", "/etc/hostname", join(card, "DCIM/IMG_9998.JPG")]);
    assertSays(
      await ghostroll(["ingest", card, ...flags]),
      3,
      /IMG_9999\.JPG/,
      /IMG_9998\.JPG/,
      /2 files kept/,
    );
    assert.equal((await originals(base)).length, 2);
  });
});
