import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { describeSettings } from "../../src/config/describe.ts";
import { environment, wantsColor } from "../../src/config/environment.ts";
import { loadSettings, type Machine } from "../../src/config/load.ts";
import { PROFILES } from "../../src/config/profiles.ts";
import { RETIRED } from "../../src/config/retired.ts";
import { PROFILE_NAMES, SETTING_NAMES } from "../../src/config/settings.ts";
import { Failure } from "../../src/domain/failure.ts";

const GIB = 2 ** 30;
const PI: Machine = { coreCount: 4, availableBytes: 3.5 * GIB };
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

describe("settings", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "ghostroll-"));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  interface Given {
    readonly flags?: Record<string, string>;
    readonly environment?: Record<string, string>;
    readonly file?: string;
    readonly machine?: Machine;
  }

  function load({ flags = {}, environment: variables = {}, file, machine = PI }: Given = {}) {
    if (file !== undefined) writeFileSync(join(cwd, ".env"), file, { mode: 0o600 });
    return loadSettings({ flags, environment: variables, cwd, homeDir: "/home/ada" }, machine);
  }

  function problemsOf(given: Given): string[] {
    try {
      load(given);
    } catch (error) {
      assert.ok(Failure.is(error) && error.code === "settings-invalid", String(error));
      return error.message.split("\n");
    }
    return [];
  }

  it("need nothing: every default is valid and says so", () => {
    const settings = load();
    assert.ok(SETTING_NAMES.every((name) => settings.origins[name] === "default"));
    assert.deepEqual(settings.warnings, []);
    assert.equal(settings.library.baseDir, "/home/ada/ghostroll");
    assert.equal(settings.library.dbPath, "/home/ada/ghostroll/ghostroll.db");
    assert.equal(settings.library.reserveBytes, 512_000_000);
    assert.equal(settings.pictures.workers, 3);
    assert.equal(settings.pictures.timeoutMs, 60_000);
    assert.deepEqual(settings.pictures.share, { maxLongEdge: 2048, quality: 90 });
    assert.deepEqual(settings.pictures.thumb, { maxLongEdge: 480, quality: 78 });
    assert.equal(settings.store.bucket, null);
    assert.equal(settings.store.credentials, null);
    assert.equal(settings.store.region, "us-east-1");
    assert.equal(settings.store.forcePathStyle, false);
    assert.deepEqual(settings.cards.labels, []);
    assert.deepEqual(settings.web, { host: "127.0.0.1", port: 8081, url: null });
  });

  it("come from flags over the environment over .env over the profile over defaults", () => {
    const given = {
      flags: { COPY_WORKERS: "11" },
      environment: { GHOSTROLL_COPY_WORKERS: "12", GHOSTROLL_UPLOAD_WORKERS: "13" },
      file: "GHOSTROLL_COPY_WORKERS=14\nGHOSTROLL_UPLOAD_WORKERS=15\nGHOSTROLL_PROCESS_WORKERS=16\nGHOSTROLL_PROFILE=conservative\n",
    };
    const { values, origins } = load(given);
    assert.deepEqual([values.COPY_WORKERS, origins.COPY_WORKERS], [11, "flag"]);
    assert.deepEqual([values.UPLOAD_WORKERS, origins.UPLOAD_WORKERS], [13, "environment"]);
    assert.deepEqual([values.PROCESS_WORKERS, origins.PROCESS_WORKERS], [16, ".env"]);
    assert.deepEqual([values.MAX_MEGAPIXELS, origins.MAX_MEGAPIXELS], [80, "profile"]);
    assert.deepEqual([values.SHARE_QUALITY, origins.SHARE_QUALITY], [90, "default"]);
  });

  it("read the file GHOSTROLL_ENV_FILE names before .env, and stop when it is not there", () => {
    writeFileSync(join(cwd, "box.env"), "GHOSTROLL_WEB_PORT=9001\n");
    const file = "GHOSTROLL_WEB_PORT=9002\nGHOSTROLL_COPY_WORKERS=5\n";
    const { values } = load({ environment: { GHOSTROLL_ENV_FILE: "box.env" }, file });
    assert.deepEqual([values.WEB_PORT, values.COPY_WORKERS], [9001, 5]);
    const [problem] = problemsOf({ environment: { GHOSTROLL_ENV_FILE: "gone.env" } });
    assert.match(problem ?? "", /gone\.env cannot be read \(ENOENT\)/);
  });

  it("name a .env that cannot be read instead of going on without it", () => {
    mkdirSync(join(cwd, ".env"));
    assert.match(problemsOf({})[0] ?? "", /\.env cannot be read \(EISDIR\)/);
  });

  it("say every problem at once, each with the key, what was given and what is allowed", () => {
    const problems = problemsOf({
      flags: { RESCAN: "sometimes" },
      environment: { GHOSTROLL_COPY_WORKERS: "0", GHOSTROLL_S3_ENDPOINT: "https://me:pass@host" },
      file: "GHOSTROLL_WEB_PORT=80a\nGHOSTROLL_S3_FORCE_PATH_STYLE=perhaps\nGHOSTROLL_PRESIGN_EXPIRY_SECONDS=604801\n",
    });
    assert.equal(problems.length, 6);
    const text = problems.join("\n");
    assert.match(
      text,
      /GHOSTROLL_RESCAN is "sometimes" on the command line; allowed is stat, sampled or full\./,
    );
    assert.match(
      text,
      /GHOSTROLL_COPY_WORKERS is "0" in the environment; allowed is a whole number from 1 to 64\./,
    );
    assert.match(
      text,
      /GHOSTROLL_WEB_PORT is "80a" in \S+\.env; allowed is a whole number from 0 to 65535\./,
    );
    assert.match(text, /GHOSTROLL_S3_FORCE_PATH_STYLE is "perhaps".*true or false/);
    assert.match(text, /GHOSTROLL_PRESIGN_EXPIRY_SECONDS is "604801".*seconds from 60 to 604800/);
    assert.match(text, /GHOSTROLL_S3_ENDPOINT.*without a user name or password/);
    assert.doesNotMatch(text, /me:pass/);
  });

  for (const [key, meant] of [
    ["GHOSTROLL_BASEDIR", "GHOSTROLL_BASE_DIR"],
    ["GHOSTROLL_S3_BUKCET", "GHOSTROLL_S3_BUCKET"],
    ["GHOSTROLL_ENV_FILE", null],
    ["GHOSTROLL_FROBNICATE", null],
  ] as const)
    it(`refuse ${key} in .env and suggest ${meant ?? "nothing far-fetched"}`, () => {
      const [problem] = problemsOf({ file: `${key}=topsecret\n` });
      assert.ok(problem?.startsWith(`${key} in `), problem);
      assert.equal(/did you mean (\w+)\?/.exec(problem ?? "")?.[1] ?? null, meant);
      assert.doesNotMatch(problem ?? "", /topsecret/);
    });

  it("accept the keys of the Python system that are gone, and say what replaces them", () => {
    const names = Object.keys(RETIRED);
    const { warnings } = load({ file: names.map((name) => `GHOSTROLL_${name}=1\n`).join("") });
    assert.equal(warnings.length, names.length);
    assert.match(
      warnings.join("\n"),
      /GHOSTROLL_HASH_WORKERS in .* has no effect\. .*GHOSTROLL_COPY_WORKERS/,
    );
    assert.deepEqual(
      names.filter((name) => (SETTING_NAMES as string[]).includes(name)),
      [],
    );
  });

  it("take an existing env file of the Python system", () => {
    const { library, store, cards, warnings } = load({
      file: "GHOSTROLL_BASE_DIR=/home/pi/ghostroll\nGHOSTROLL_S3_PREFIX_ROOT=sessions/\nGHOSTROLL_S3_BUCKET=my-bucket\nGHOSTROLL_MOUNT_ROOTS=/Volumes, /media\nGHOSTROLL_WEB_HOST=0.0.0.0\n",
    });
    assert.equal(library.baseDir, "/home/pi/ghostroll");
    assert.equal(store.prefix, "sessions");
    assert.equal(store.bucket, "my-bucket");
    assert.deepEqual(cards.mountRoots, ["/Volumes", "/media"]);
    assert.deepEqual(warnings, []);
  });

  it("let an empty value mean nothing where nothing is a value, and not set elsewhere", () => {
    const file = "GHOSTROLL_S3_BUCKET=photos\nGHOSTROLL_WEB_PORT=9000\n";
    const { values, origins } = load({
      file,
      environment: { GHOSTROLL_S3_BUCKET: "", GHOSTROLL_WEB_PORT: "" },
    });
    assert.deepEqual([values.S3_BUCKET, origins.S3_BUCKET], [null, "environment"]);
    assert.deepEqual([values.WEB_PORT, origins.WEB_PORT], [9000, ".env"]);
  });

  it("refuse an empty value on the command line, where a shell puts one for a variable that is not set", () => {
    assert.match(
      problemsOf({ flags: { BASE_DIR: "" } })[0] ?? "",
      /BASE_DIR is "" on the command line; allowed is a path/,
    );
    assert.equal(load({ flags: { S3_BUCKET: "" } }).values.S3_BUCKET, null);
  });

  it("say how the name of a bucket may be, when it may not be so", () => {
    assert.match(
      problemsOf({ flags: { S3_BUCKET: "x" } })[0] ?? "",
      /allowed is .* 2 to 255 letters, digits/,
    );
  });

  it("resolve ~ and relative paths", () => {
    const { library } = load({ flags: { BASE_DIR: "photos", GHOSTROLL_DB_PATH: "~/db/x.db" } });
    assert.deepEqual([library.baseDir, library.dbPath], [join(cwd, "photos"), "/home/ada/db/x.db"]);
    assert.equal(load({ flags: { BASE_DIR: "photos" } }).library.dbPath, join(cwd, "photos/ghostroll.db"));
  });

  it("use path style and the region of AWS where these follow from other values", () => {
    const { store } = load({
      environment: {
        GHOSTROLL_S3_BUCKET: "b-b",
        GHOSTROLL_S3_ENDPOINT: "http://127.0.0.1:9000/",
        AWS_REGION: "eu-central-1",
      },
    });
    assert.deepEqual(
      [store.endpoint, store.forcePathStyle, store.region],
      ["http://127.0.0.1:9000", true, "eu-central-1"],
    );
  });

  for (const [machine, workers] of [
    [{ coreCount: 1, availableBytes: 0.4 * GIB }, 1],
    [{ coreCount: 4, availableBytes: 0.7 * GIB }, 1],
    [{ coreCount: 4, availableBytes: 2.2 * GIB }, 2],
    [{ coreCount: 16, availableBytes: 60 * GIB }, 15],
    [{ coreCount: 256, availableBytes: 900 * GIB }, 64],
  ] as const)
    it(`render ${workers} at once with ${machine.coreCount} cores and ${machine.availableBytes / GIB} GiB`, () => {
      assert.equal(load({ machine }).pictures.workers, workers);
    });

  for (const profile of PROFILE_NAMES)
    it(`are valid in the profile ${profile}`, () => {
      const { origins } = load({ flags: { PROFILE: profile } });
      for (const name of SETTING_NAMES)
        assert.equal(origins[name] === "profile", name in PROFILES[profile], name);
    });

  it("refuse tiles that are larger than the pictures", () => {
    const [problem] = problemsOf({ flags: { THUMB_MAX_LONG_EDGE: "1024", SHARE_MAX_LONG_EDGE: "800" } });
    assert.match(problem ?? "", /at most GHOSTROLL_SHARE_MAX_LONG_EDGE \(800\)/);
  });

  it("cannot be changed", () => {
    const settings = load();
    assert.throws(() => Object.assign(settings.web, { port: 1 }), TypeError);
    assert.throws(() => (settings.cards.mountRoots as string[]).push("/x"), TypeError);
  });

  describe("access keys", () => {
    it("are taken from one place, never mixed", () => {
      const file = `AWS_ACCESS_KEY_ID=AKIAFILEFILEFILEFILE\nAWS_SECRET_ACCESS_KEY=${SECRET}\nAWS_SESSION_TOKEN=token\n`;
      const fromFile = load({ file });
      assert.deepEqual(fromFile.store.credentials, {
        accessKeyId: "AKIAFILEFILEFILEFILE",
        secretAccessKey: SECRET,
        sessionToken: "token",
      });
      const variables = { AWS_ACCESS_KEY_ID: "AKIAENVIENVIENVIENVI", AWS_SECRET_ACCESS_KEY: "other" };
      assert.deepEqual(load({ file, environment: variables }).store.credentials, {
        accessKeyId: "AKIAENVIENVIENVIENVI",
        secretAccessKey: "other",
        sessionToken: null,
      });
    });

    it("are a problem when half of them is missing, without saying the other half", () => {
      const problems = problemsOf({ file: `AWS_SECRET_ACCESS_KEY=${SECRET}\n` });
      assert.match(
        problems[0] ?? "",
        /^AWS_ACCESS_KEY_ID is missing in .*\.env: it belongs to the AWS_SECRET_ACCESS_KEY there\.$/,
      );
    });

    it("never appear in the description", () => {
      const settings = load({
        environment: {
          AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
          AWS_SECRET_ACCESS_KEY: SECRET,
          AWS_SESSION_TOKEN: "tokentoken",
        },
      });
      const rows = describeSettings(settings);
      const text = JSON.stringify(rows);
      for (const secret of [SECRET, "AKIAIOSFODNN7", "tokentoken"]) assert.ok(!text.includes(secret));
      assert.deepEqual(
        rows.slice(0, SETTING_NAMES.length).map(({ key }) => key),
        SETTING_NAMES.map((name) => `GHOSTROLL_${name}`),
      );
      const keyId = rows.find(({ key }) => key === "AWS_ACCESS_KEY_ID");
      assert.deepEqual([keyId?.value, keyId?.origin], ["…MPLE", "environment"]);
    });

    it("in a file that others can read are warned of, with the fix", () => {
      const file = `AWS_ACCESS_KEY_ID=AKIAFILEFILEFILEFILE\nAWS_SECRET_ACCESS_KEY=${SECRET}\n`;
      assert.deepEqual(load({ file }).warnings, []);
      chmodSync(join(cwd, ".env"), 0o644);
      const { warnings } = load();
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", /Run: chmod 600 '.*\.env'$/);
    });

    it("by profile name cannot stand in .env, and that is said", () => {
      assert.match(
        load({ file: "AWS_PROFILE=photos\n" }).warnings[0] ?? "",
        /AWS_PROFILE has no effect in .*environment of the process/,
      );
    });
  });

  it("warn of an endpoint without a bucket", () => {
    assert.match(
      load({ flags: { S3_ENDPOINT: "http://x" } }).warnings[0] ?? "",
      /no effect without GHOSTROLL_S3_BUCKET/,
    );
  });
});

describe("environment", () => {
  it("is that of this process", () => assert.equal(environment()["PATH"], process.env["PATH"]));

  it("asks for no color by NO_COLOR or a dumb terminal", () => {
    assert.equal(wantsColor({ TERM: "xterm-256color" }), true);
    assert.equal(wantsColor({ TERM: "xterm-256color", NO_COLOR: "" }), true);
    assert.equal(wantsColor({ TERM: "xterm-256color", NO_COLOR: "1" }), false);
    assert.equal(wantsColor({ TERM: "dumb" }), false);
  });
});
