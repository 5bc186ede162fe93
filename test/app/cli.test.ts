import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCommand } from "../../src/app/cli.ts";
import { COMMANDS, type CommandName, helpFor } from "../../src/app/help.ts";
import { SETTING_NAMES } from "../../src/config/settings.ts";
import { Failure } from "../../src/domain/failure.ts";

const NAMES = Object.keys(COMMANDS) as CommandName[];

describe("command line", () => {
  for (const [argv, command] of [
    ["ingest /media/CARD", { name: "ingest", path: "/media/CARD", serve: null, json: false, settings: {} }],
    ["ingest a --serve --json", { name: "ingest", path: "a", serve: true, json: true, settings: {} }],
    ["--no-serve ingest a", { name: "ingest", path: "a", serve: false, json: false, settings: {} }],
    [
      "ingest a --rescan=full",
      { name: "ingest", path: "a", serve: null, json: false, settings: { RESCAN: "full" } },
    ],
    [
      "ingest --no-serve -- --odd",
      { name: "ingest", path: "--odd", serve: false, json: false, settings: {} },
    ],
    ["watch --base-dir x --base-dir y", { name: "watch", settings: { BASE_DIR: "y" } }],
    [
      "watch --set copy_workers=3 --set GHOSTROLL_S3_PREFIX_ROOT=a=b",
      { name: "watch", settings: { COPY_WORKERS: "3", S3_PREFIX_ROOT: "a=b" } },
    ],
    ["demo", { name: "demo", card: null, serve: true, settings: {} }],
    ["demo --card -odd --no-serve", null],
    [
      "demo --card=-odd --port 0 --no-serve",
      { name: "demo", card: "-odd", serve: false, settings: { WEB_PORT: "0" } },
    ],
    ["status --json", { name: "status", json: true, settings: {} }],
    ["sessions", { name: "sessions", json: false, settings: {} }],
    ["config", { name: "config", json: false, settings: {} }],
    ["verify", { name: "verify", share: 30, isRepairing: false, json: false, settings: {} }],
    ["verify --all --repair", { name: "verify", share: 1, isRepairing: true, json: false, settings: {} }],
    ["verify --share 7 --json", { name: "verify", share: 7, isRepairing: false, json: true, settings: {} }],
    ["rebuild --verify", { name: "rebuild", isReading: true, json: false, settings: {} }],
    ["retry", { name: "retry", session: null, json: false, settings: {} }],
    ["retry 0007-3fd1", { name: "retry", session: "0007-3fd1", json: false, settings: {} }],
    ["doctor", { name: "doctor", json: false, settings: {} }],
    ["--version", { name: "version" }],
    ["-V", { name: "version" }],
  ] as const)
    it(`understands: ghostroll ${argv}`, () => {
      const read = () => parseCommand(argv.split(" "));
      if (command === null) assert.throws(read, (error) => Failure.is(error) && error.code === "usage");
      else assert.deepEqual(read(), command);
    });

  for (const [argv, sentence] of [
    ["ingst x", /no command "ingst"; did you mean `ghostroll ingest`\?$/],
    ["/media/CARD", /did you mean `ghostroll ingest \/media\/CARD`\?$/],
    ["frobnicate", /^There is no command "frobnicate"\.$/],
    ["ingest", /Say which card or folder, as in `ghostroll ingest \/media\/CARD`\.$/],
    ["ingest a b", /one folder at a time, but got "b"/],
    ["watch x", /watch takes no further word, but got "x"/],
    ["ingest a --rescna full", /no option --rescna; did you mean --rescan\?/],
    ["ingest a --rescan ful", /--rescan is stat, sampled, full, but got "ful"; did you mean full\?/],
    ["ingest a --rescan", /--rescan needs a value: `--rescan HOW`\.$/],
    ["ingest a --base-dir=", /--base-dir is empty: `--base-dir DIR`\.$/],
    ["demo --card=", /--card is empty: `--card DIR`\.$/],
    ["ingest a --serve --no-serve", /contradict/],
    ["ingest a --json=1", /--json takes no value/],
    ["ingest a --port 80", /--port does not belong to ingest, but to: demo\./],
    ["demo --port 70000", /--port is a number from 0 .* to 65535, but got "70000"/],
    ["demo --card --no-serve", /--card needs a value/],
    ["watch --set nonsense", /--set takes KEY=VALUE/],
    ["verify --all --share 3", /contradict/],
    ["verify --share 0", /--share is a number from 1 .* but got "0"/],
    ["retry a b", /one session at a time, but got "b"/],
    ["-x", /no option -x/],
    ["help ingst", /did you mean `ghostroll ingest`\?$/],
  ] as const)
    it(`says what to type instead of: ghostroll ${argv}`, () => {
      assert.throws(
        () => parseCommand(argv.split(" ")),
        (error) => Failure.is(error) && error.code === "usage" && sentence.test(error.message),
      );
      // The hint of its kind follows.
      assert.throws(
        () => parseCommand(argv.split(" ")),
        (error) => Failure.is(error) && /[.?]$/.test(error.message),
      );
    });

  it("shows help when nothing, help, or help of a command is asked for", () => {
    for (const argv of [[], ["--help"], ["-h"], ["help"]])
      assert.deepEqual(parseCommand(argv), { name: "help", text: helpFor(null) });
    for (const name of NAMES)
      for (const argv of [
        [name, "--help"],
        ["-h", name],
        ["help", name],
      ])
        assert.deepEqual(parseCommand(argv), { name: "help", text: helpFor(name) });
  });

  for (const name of [null, ...NAMES])
    it(`keeps the help of ${name ?? "everything"} inside 80 columns, aligned, with examples that work`, () => {
      const text = helpFor(name);
      for (const line of text.split("\n")) assert.ok(line.length <= 80, `${line.length}: ${line}`);
      assert.doesNotMatch(text, /[ \t]$/m);
      const heads = [...text.matchAll(/^ {2}(?:-\w, | {4})--\S+(?: \S+)? {2,}(?=\S)/gm)].map(
        ([head]) => head.length,
      );
      assert.ok(heads.length >= 3);
      assert.equal(new Set(heads).size, 1);
      const examples = text.slice(text.indexOf("\nExamples\n")).split("\n").slice(2);
      assert.ok(examples.length > 0);
      for (const example of examples) {
        const words = example
          .trim()
          .replace(/^GHOSTROLL_\w+=\S+ /, "")
          .split(" ");
        assert.equal(words.shift(), "ghostroll");
        const command = parseCommand(words);
        if (!("settings" in command)) continue;
        for (const key of Object.keys(command.settings))
          assert.ok((SETTING_NAMES as string[]).includes(key), key);
      }
    });
});
