import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstat, mkdir, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Summary } from "../../src/app/summary.ts";
import { withMount } from "../library/mount.ts";
import { makeCard, picture, pictureCard } from "../support/card.ts";
import { ghostroll, start } from "../support/ghostroll.ts";
import { assertComplete, assertSound, hashesBelow } from "../support/invariants.ts";
import { lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

/** A port nobody listens on: the network is down. */
const OFFLINE = {
  GHOSTROLL_S3_BUCKET: "photos",
  GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:1",
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

async function places(t: TestContext) {
  const folder = await tempFolder(t);
  const base = join(folder, "library");
  const ingest = async (card: string, env: Readonly<Record<string, string>> = {}) => {
    const ended = await ghostroll(["ingest", card, "--base-dir", base, "--no-serve", "--json"], { env });
    assert.ok(ended.out.startsWith("{"), ended.out + ended.err);
    return { ...(JSON.parse(ended.out) as Summary), code: ended.code };
  };
  return { folder, base, ingest, flags: ["--base-dir", base, "--no-serve"] };
}

const contentsOf = async (card: string) => new Set((await hashesBelow(card)).values());

/** Everything the filesystem tells of a card, but when it was read. */
async function stateOf(card: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for (const path of (await readdir(card, { recursive: true })).toSorted()) {
    const { ino, mode, size, mtimeMs, ctimeMs } = await lstat(join(card, path));
    state[path] = { ino, mode, size, mtimeMs, ctimeMs };
  }
  return state;
}

describe("what went wrong elsewhere (docs/failures.md)", () => {
  it("a path that failed on one card is read on every other card, and on the same one next time", async (t) => {
    const { folder, ingest } = await places(t);
    const sick = await pictureCard(join(folder, "sick"), 3);
    const bad = join(sick, "DCIM/100CANON/IMG_0002.JPG");
    const good = await readFile(bad);
    await unlink(bad);
    execFileSync("mkfifo", [bad]);
    const first = await ingest(sick);
    assert.deepEqual([first.code, first.kept, first.isRemovable], [3, 2, true]);
    assert.match(first.verdicts.join(" "), /^2 of 3 kept; 1 unreadable: DCIM\/100CANON\/IMG_0002\.JPG\.$/);
    const healthy = await makeCard(join(folder, "healthy"), {
      "DCIM/100CANON/IMG_0002.JPG": await picture(40),
    });
    assert.deepEqual([(await ingest(healthy)).kept, (await ingest(healthy)).knownFiles], [1, 1]);
    await unlink(bad);
    await writeFile(bad, good);
    const again = await ingest(sick);
    assert.deepEqual([again.code, again.failed, again.troubles], [0, 0, []]);
  });

  it("a card that is pulled once it is kept: its gallery is completed from the library", async (t) => {
    const { folder, base, flags } = await places(t);
    const card = await pictureCard(join(folder, "card"), 20);
    const contents = await contentsOf(card);
    const run = start(["ingest", card, ...flags]);
    while (!/Every file on the card is kept/.test(run.out()) && run.child.exitCode === null) await delay(10);
    await rm(card, { recursive: true });
    const { code, out, err } = await run.ended;
    assert.equal(code, 0, out + err);
    await assertComplete(base, contents, 20);
  });

  it("killed while copying, then run without a network, then with one: the gallery has every picture", async (t) => {
    const { folder, base, flags, ingest } = await places(t);
    const card = await pictureCard(join(folder, "card"), 30);
    const contents = await contentsOf(card);
    const run = start(["ingest", card, ...flags], { env: OFFLINE });
    const begun = async () =>
      (await readdir(join(base, "originals"), { recursive: true }).catch(() => [])).length > 6;
    while (!(await begun()) && run.child.exitCode === null) await delay(5);
    run.child.kill("SIGKILL");
    assert.equal((await run.ended).signal, "SIGKILL", "it was killed at work");
    await assertSound(base, contents);
    const offline = await ingest(card, OFFLINE);
    assert.deepEqual(
      [offline.code, offline.undelivered?.code, offline.isRemovable],
      [75, "remote-unreachable", true],
    );
    const waiting = await ghostroll(["status", "--base-dir", base], { env: OFFLINE });
    assert.match(waiting.out, /Waiting for the network: 30 of 30 kept files not in a complete gallery yet/);
    assert.equal((await ingest(card)).code, 0);
    await assertComplete(base, contents, 30);
  });

  it("asked to end in the middle of a card: it says how to go on, and goes on", async (t) => {
    const { folder, base, flags, ingest } = await places(t);
    const card = await pictureCard(join(folder, "card"), 40);
    const contents = await contentsOf(card);
    const run = start(["ingest", card, ...flags]);
    const begun = async () =>
      (await readdir(join(base, "originals"), { recursive: true }).catch(() => [])).length > 6;
    while (!(await begun()) && run.child.exitCode === null) await delay(5);
    run.child.kill("SIGTERM");
    const { code, out, err } = await run.ended;
    assert.equal(code, 130, out + err);
    assert.match(err, /Run it again: it goes on where it was/);
    await assertSound(base, contents);
    assert.equal((await ingest(card)).code, 0);
    await assertComplete(base, contents, 40);
  });

  it("the card is not written: names, times, sizes and bytes are what they were", async (t) => {
    const { folder, ingest } = await places(t);
    const card = await pictureCard(join(folder, "card"), 3);
    const [state, contents] = [await stateOf(card), await hashesBelow(card)];
    await ingest(card);
    await ingest(card);
    assert.deepEqual(await stateOf(card), state);
    assert.deepEqual(await hashesBelow(card), contents);
  });

  it("a locked card is a card like any other", {
    skip: lacksRoot(),
  }, async (t) => {
    const { ingest } = await places(t);
    await withMount("mount", ["-t", "tmpfs", "ghostroll-test"], async (mount) => {
      await pictureCard(mount, 3);
      execFileSync("mount", ["-o", "remount,ro", mount]);
      const summary = await ingest(mount);
      assert.deepEqual([summary.code, summary.kept], [0, 3]);
    });
  });

  it("names that differ in extension, case or folder, and equal contents: each content is kept and shown once", async (t) => {
    const { folder, base, ingest } = await places(t);
    const same = await picture(9);
    const card = await makeCard(join(folder, "card"), {
      "DCIM/100CANON/IMG_1.JPG": await picture(1),
      "DCIM/100CANON/IMG_1.jpeg": await picture(2),
      "DCIM/100CANON/img_1.jpg": await picture(3),
      "DCIM/101CANON/IMG_1.JPG": await picture(4),
      "DCIM/101CANON/IMG_2.JPG": same,
      "DCIM/102CANON/IMG_3.JPG": same,
    });
    const { code, kept, duplicates, foundFiles } = await ingest(card);
    assert.deepEqual([code, foundFiles, kept, duplicates], [0, 6, 5, 1]);
    await assertComplete(base, await contentsOf(card), 5);
  });

  it("video, HEIC, RAW nobody can decode, sound, sidecars and what nobody knows are kept and counted, in DCIM or not", async (t) => {
    const { folder, base, ingest } = await places(t);
    const video = Buffer.concat([Buffer.from("\0\0\0\x18ftypmp42"), Buffer.alloc(5000, 1)]);
    const card = await makeCard(join(folder, "card"), {
      "DCIM/100CANON/IMG_1.JPG": await picture(1),
      "DCIM/100CANON/IMG_2.ORF": Buffer.concat([Buffer.from("IIRO"), Buffer.alloc(5000, 2)]),
      "DCIM/100CANON/IMG_3.HEIC": Buffer.concat([Buffer.from("\0\0\0\x18ftypheic"), Buffer.alloc(5000, 3)]),
      "DCIM/100CANON/IMG_4.WAV": "RIFF....WAVE",
      "DCIM/100CANON/IMG_1.XMP": "<xmp/>",
      "PRIVATE/M4ROOT/CLIP/C0001.MP4": video,
      "MISC/AUTPRINT.MRK": "[HDR]",
      SHA256SUMS: "the card's own",
      "receipt.txt": "of a shop",
    });
    const summary = await ingest(card);
    assert.deepEqual([summary.foundFiles, summary.kept, summary.failed], [9, 9, 0]);
    const kept = await hashesBelow(join(base, "originals"));
    for (const [path, hash] of await hashesBelow(card)) assert.ok([...kept.values()].includes(hash), path);
  });

  it("whatever stops a card, the counts add up and are said", async (t) => {
    const { folder, base, ingest } = await places(t);
    const card = await pictureCard(join(folder, "card"), 4);
    await writeFile(
      join(card, "DCIM/100CANON/COPY.JPG"),
      await readFile(join(card, "DCIM/100CANON/IMG_0001.JPG")),
    );
    execFileSync("mkfifo", [join(card, "DCIM/100CANON/IMG_9.JPG")]);
    await mkdir(join(card, "MISC"));
    await ingest(card);
    const { out } = await ghostroll(["sessions", "--base-dir", base, "--json"]);
    const [session] = JSON.parse(out) as {
      found: number;
      kept: number;
      duplicates: number;
      failed: number;
      end: string;
      sentence: string;
    }[];
    assert.ok(session);
    const { found, kept, duplicates, failed } = session;
    assert.deepEqual([found, kept, duplicates, failed], [6, 4, 1, 1]);
    assert.equal(session.end, "complete-with-failures");
    assert.match(session.sentence, /5 of 6 kept; 1 unreadable: DCIM\/100CANON\/IMG_9\.JPG/);
  });
});

describe("docs/failures.md", () => {
  it("names only tests that are run", async () => {
    const root = join(import.meta.dirname, "../..");
    const table = await readFile(join(root, "docs/failures.md"), "utf8");
    const named = [...table.matchAll(/`(\w+\/[\w-]+)`(?: › ([^|;]+?)(?= \||; `))?/g)];
    assert.ok(named.length > 40, `${named.length} tests are named`);
    for (const [, file = "", title] of named) {
      const code = withoutComments(await readFile(join(root, "test", `${file}.test.ts`), "utf8"));
      assert.doesNotMatch(
        code,
        /\b(it|describe)\.(skip|todo|only)\(|\b(skip|todo): true/,
        `${file} leaves tests out`,
      );
      assert.ok(isTest(code, title ?? ""), `${file} has no test that begins "${title}"`);
    }
  });

  it("would notice a title that is no test", () => {
    const code = `it("is a test", () => {});\n// it("is a comment")\nconst words = "is a string";\nit(\n  \`is \${1} of many\`, f);`;
    const titles = ["is a test", "is a comment", "is a string", "is ", "a test"];
    assert.deepEqual(
      titles.map((title) => isTest(withoutComments(code), title)),
      [true, false, false, true, false],
    );
  });
});

/** Whether a test begins with this title. */
function isTest(code: string, title: string): boolean {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`\\bit\\(\\s*["\`]${escaped}`).test(code);
}

function withoutComments(code: string): string {
  // At the beginning of a line: `/*` and `//` are parts of policies and addresses, too.
  return code.replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, "").replace(/^\s*\/\/.*$/gm, "");
}
