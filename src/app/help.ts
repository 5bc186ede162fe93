interface Option {
  /** Placeholder of its value, or `null` when it takes none. */
  readonly value: string | null;
  readonly short: string | null;
  readonly words: string;
}

/** Every option of every command, in the order help shows them. */
// biome-ignore format: a table reads in columns
export const OPTIONS = {
  "rescan":   { value: "HOW",       short: null, words: "stat: size and time; sampled: some bytes too; full: all" },
  "verify-source": { value: null,   short: null, words: "read the card twice: needed to call it safe to format" },
  "gallery":  { value: "NAME",      short: null, words: "fill the gallery NAME together with other boxes and cards" },
  "card":     { value: "DIR",       short: null, words: "use the pictures in DIR instead of drawing some" },
  "port":     { value: "N",         short: null, words: "serve the gallery on this port; 0 takes any free one" },
  "serve":    { value: null,        short: null, words: "keep serving the gallery until Ctrl-C" },
  "no-serve": { value: null,        short: null, words: "end as soon as everything is done" },
  "all":      { value: null,        short: null, words: "read every original, not only a share" },
  "share":    { value: "N",         short: null, words: "read one part of N; all are read within N runs" },
  "repair":   { value: null,        short: null, words: "put good copies in the place of bad ones" },
  "verify":   { value: null,        short: null, words: "read every original, not only its size" },
  "text":     { value: "NUMBER",    short: null, words: "send the link there; also what GHOSTROLL_TEXT_TO takes" },
  "renew":    { value: null,        short: null, words: "a new link; for a revoked gallery under a new address" },
  "dry-run":  { value: null,        short: null, words: "only say what it would do" },
  "root":     { value: "DIR",       short: null, words: "put files below DIR instead of /, and start nothing" },
  "json":     { value: null,        short: null, words: "print JSON, for scripts" },
  "base-dir": { value: "DIR",       short: null, words: "use the library in DIR (GHOSTROLL_BASE_DIR)" },
  "set":      { value: "KEY=VALUE", short: null, words: "set any setting for this run; may be given again" },
  "help":     { value: null,        short: "h",  words: "show this help" },
  "version":  { value: null,        short: "V",  words: "show the version" },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

export interface CommandHelp {
  /** Placeholder of the word it needs, in brackets when it can do without, or `null`. */
  readonly argument: string | null;
  /** What it does, after the command's name in a list. */
  readonly words: string;
  readonly more: string;
  readonly options: readonly OptionName[];
  readonly examples: readonly string[];
}

/** What each option of a command that works on a library takes. */
const COMMON = ["base-dir", "set", "help"] as const;

export const COMMANDS = {
  ingest: {
    argument: "PATH",
    words: "keep one card or folder, and make its gallery",
    more: "Copies every new file and proves the copy, renders pictures, and fills a gallery\nwhile it goes on. The card is only read. Run it again after an interruption: it\ngoes on where it was.",
    options: ["rescan", "verify-source", "gallery", "serve", "no-serve", "json", ...COMMON],
    examples: [
      "ghostroll ingest /media/EOS_DIGITAL",
      "ghostroll ingest ~/old-card --rescan full",
      "ghostroll ingest /media/CARD --set S3_BUCKET=my-photos --no-serve",
    ],
  },
  watch: {
    argument: null,
    words: "wait for cards, and ingest each one that is plugged in",
    more: "Runs until it is stopped; this is what the systemd service starts.",
    options: ["gallery", ...COMMON],
    examples: ["ghostroll watch --base-dir /srv/photos", "ghostroll watch --gallery wedding"],
  },
  demo: {
    argument: null,
    words: "try it: make a card of pictures, ingest it, show the gallery",
    more: "Needs no card, no bucket and no network.",
    options: ["card", "port", "no-serve", ...COMMON],
    examples: ["ghostroll demo", "ghostroll demo --card ~/Pictures --port 9000"],
  },
  status: {
    argument: null,
    words: "what is kept, and what still waits to be delivered",
    more: "",
    options: ["json", ...COMMON],
    examples: ["ghostroll status", "ghostroll status --json"],
  },
  sessions: {
    argument: null,
    words: "every card that was taken in, with its gallery",
    more: "",
    options: ["json", ...COMMON],
    examples: ["ghostroll sessions"],
  },
  link: {
    argument: "SESSION",
    words: "the link of a gallery, or send it to somebody",
    more: "SESSION is a name, a number, the beginning of a card's name, or `last`.",
    options: ["text", "json", ...COMMON],
    examples: ["ghostroll link last", "ghostroll link 7 --text +4917012345678"],
  },
  share: {
    argument: "SESSION",
    words: "give a gallery a new link",
    more: "Signs every link of the gallery again. One that was revoked opens again under a\nnew address; what led to the old one stays dead.",
    options: ["renew", "text", "json", ...COMMON],
    examples: ["ghostroll share last --renew", "ghostroll share 0007 --renew --text +4917012345678"],
  },
  revoke: {
    argument: "SESSION",
    words: "let nobody open a gallery any more",
    more: "Deletes everything guests can see of it; the originals stay. Every link that was\never given ends at once, or, without a network, as soon as there is one.",
    options: ["json", ...COMMON],
    examples: ["ghostroll revoke last", "ghostroll revoke 0007-3fd1"],
  },
  verify: {
    argument: null,
    words: "read originals back from the disk, and say which have rotted",
    more: "Reads past the memory, so that the disk itself answers: those read longest ago\nfirst, all within 30 runs. --repair takes good copies from the second disk or\nthe bucket, proves them, and moves the bad file to the library's folder rotten.\n`ghostroll watch` does a share each day.",
    options: ["all", "share", "repair", "json", ...COMMON],
    examples: ["ghostroll verify", "ghostroll verify --all --repair", "ghostroll verify --share 7 --json"],
  },
  retry: {
    argument: "[SESSION]",
    words: "try again what could not be shown or delivered",
    more: "Makes pictures again that could not be made, and delivers every gallery that is\nnot complete. Files that could not be read from a card are tried again whenever\nit is inserted.",
    options: ["json", ...COMMON],
    examples: ["ghostroll retry", "ghostroll retry 0007-3fd1"],
  },
  rebuild: {
    argument: null,
    words: "rebuild a lost or damaged catalog from the library",
    more: "Reads session.json and SHA256SUMS of each session, and whatever file no manifest\nnames. The old catalog is put aside, links stay the same, and what the store has\nis not uploaded again.",
    options: ["verify", "json", ...COMMON],
    examples: ["ghostroll rebuild", "ghostroll rebuild --verify"],
  },
  backup: {
    argument: null,
    words: "copy the catalog to the library's folder backups",
    more: "`ghostroll watch` does it after a card, at most once a day. The newest seven\ncopies are kept.",
    options: ["json", ...COMMON],
    examples: ["ghostroll backup"],
  },
  doctor: {
    argument: null,
    words: "check settings, disk, catalog, store and clock",
    more: "Only looks, also while another GhostRoll works.",
    options: ["json", ...COMMON],
    examples: ["ghostroll doctor", "ghostroll doctor --json"],
  },
  install: {
    argument: null,
    words: "make it a service of this machine, or bring that up to date",
    more: "Needs root and systemd. Settings and library of an earlier installation stay as\nthey are; run it again after an update.",
    options: ["dry-run", "root", "help"],
    examples: ["ghostroll install", "ghostroll install --dry-run"],
  },
  uninstall: {
    argument: null,
    words: "take the service away; photos and settings stay",
    more: "",
    options: ["dry-run", "root", "help"],
    examples: ["ghostroll uninstall", "ghostroll uninstall --dry-run"],
  },
  config: {
    argument: null,
    words: "every setting with its value and its origin",
    more: "Flags win over the environment, that over .env, that over the profile, that over\nthe defaults. Secrets are not shown.",
    options: ["json", ...COMMON],
    examples: ["ghostroll config", "GHOSTROLL_PROFILE=aggressive ghostroll config"],
  },
} as const satisfies Record<string, CommandHelp>;

export type CommandName = keyof typeof COMMANDS;

/** The help of one command, or of all. Every line fits 80 columns. */
export function helpFor(name: CommandName | null): string {
  return name === null ? overview() : detail(name, COMMANDS[name]);
}

function overview(): string {
  return [
    "GhostRoll keeps what is on a camera's card, and shows it in a private gallery.",
    section("Usage", ["ghostroll COMMAND [options]"]),
    section(
      "Commands",
      aligned(Object.entries(COMMANDS).map(([name, { argument, words }]) => [usage(name, argument), words])),
    ),
    section("Options", optionLines([...COMMON, "version"])),
    section("Examples", ["ghostroll demo", "ghostroll ingest /media/EOS_DIGITAL", "ghostroll ingest --help"]),
  ].join("\n\n");
}

function detail(name: string, { argument, words, more, options, examples }: CommandHelp): string {
  return [
    `ghostroll ${name}: ${words}.`,
    ...(more === "" ? [] : [more]),
    section("Usage", [`ghostroll ${usage(name, argument)} [options]`]),
    section("Options", optionLines(options)),
    section("Examples", examples),
  ].join("\n\n");
}

function usage(name: string, argument: string | null): string {
  return argument === null ? name : `${name} ${argument}`;
}

function optionLines(names: readonly OptionName[]): string[] {
  return aligned(
    names.map((name) => {
      const { value, short, words }: Option = OPTIONS[name];
      const long = value === null ? `--${name}` : `--${name} ${value}`;
      return [short === null ? `    ${long}` : `-${short}, ${long}`, words];
    }),
  );
}

function aligned(rows: readonly (readonly [string, string] | string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0));
  return rows.map(([left, right]) => `${left?.padEnd(width)}  ${right}`);
}

function section(title: string, lines: readonly string[]): string {
  return [`${title}`, ...lines.map((line) => `  ${line}`)].join("\n");
}
