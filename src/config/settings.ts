import {
  address,
  boolean,
  choice,
  integer,
  type Kind,
  names,
  optional,
  path,
  paths,
  recipients,
  secret,
  text,
} from "./kinds.ts";

/** What a default may depend on. */
export interface Known {
  readonly coreCount: number;
  /** Memory that can be had without swapping, the limit of our cgroup included. */
  readonly availableBytes: number;
  /** What this machine is called, as far as letters, digits and dashes go. */
  readonly hostName: string;
  /** `AWS_REGION`, where it is set. */
  readonly awsRegion: string | null;
  /** Text of a setting further up in the table; a path is absolute. */
  textOf(name: string): string;
}

/** A default as one would write it, or how it follows from what is known. */
export type Default = string | { readonly words: string; from(known: Known): string };

interface Setting {
  readonly kind: Kind<unknown>;
  readonly default: Default;
  /** What it is for and why the default is what it is, in one line. */
  readonly meaning: string;
}

export const PROFILE_NAMES = ["default", "conservative", "aggressive"] as const;

/** How far a known card is trusted: by size and time, also by the heads of some files, or not at all. */
export const RESCANS = ["stat", "sampled", "full"] as const;

/** How guests open galleries. */
const SHARE_MODES = ["presigned", "capability", "cdn", "lan"] as const;

const GIB = 2 ** 30;
/** Rendering is done by decoders that use one core each; the last core is left to copying, uploads and the page. */
const oneCoreLeft: Default = {
  words: "one less than there are cores, at most one per GiB of free memory",
  from: ({ coreCount, availableBytes }) =>
    String(Math.max(1, Math.min(coreCount - 1, Math.floor(availableBytes / GIB), MAX_WORKERS))),
};
/** More is a typing error: no machine this is for has more cores, and no card, store or uplink gets faster by it. */
const MAX_WORKERS = 64;

/** Amazon's own may be 3 to 63 characters long; other stores take more. */
const BUCKET = text(
  "the name of a bucket: 2 to 255 letters, digits and any of - _ . after the first",
  /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/,
);

/** What fits into a header as it is. */
const WORD = /^[\x21-\x7e]+$/;

/** Every setting once, as `GHOSTROLL_<name>`, in the order people read them. A default may look only at those above it. */
// biome-ignore format: a table reads in columns
export const SETTINGS = {
  PROFILE:          { kind: choice(PROFILE_NAMES), default: "default", meaning: "A set of values for the kind of machine: conservative for a Raspberry Pi with 1 GB, aggressive for a PC with a fast disk. A value set by hand wins." },

  BASE_DIR:         { kind: path, default: "~/ghostroll", meaning: "The library: originals, renditions and the catalog live below this folder." },
  DB_PATH:          { kind: path, default: { words: "ghostroll.db in GHOSTROLL_BASE_DIR", from: (known) => `${known.textOf("BASE_DIR")}/ghostroll.db` }, meaning: "The catalog. It belongs on the library's own disk, so that both are there or both are not; never on a network share." },
  RESERVE_MB:       { kind: integer(0, 1_000_000, "megabytes"), default: "512", meaning: "Space on the library's disk that is never used: a system with a full disk can no longer log, update or start." },
  SECOND_DIR:       { kind: optional(path), default: "", meaning: "A folder on another disk that gets a proved copy of every original, beside everything else. Make the folder yourself: where it is missing, the disk is, and copying waits for it." },
  VERIFY_SOURCE:    { kind: boolean, default: "false", meaning: "Read each card a second time after it is kept, past the memory of this machine, and compare: only then can it be said to be safe to format. Takes as long as reading it once." },
  COPY_WORKERS:     { kind: integer(1, MAX_WORKERS), default: "2", meaning: "Files read from a card at once: two keep it busy, more make it seek and slow down." },

  CARDS_AT_ONCE:    { kind: integer(1, MAX_WORKERS), default: "4", meaning: "Cards read side by side, each with a reader of its own: more than four share the speed of one USB bus. Each takes about 120 MB of memory." },
  MOUNT_ROOTS:      { kind: paths, default: "/run/ghostroll/cards,/media,/run/media,/mnt", meaning: "Where cards appear: the places where our own unit, desktops and people mount them." },
  CARD_LABELS:      { kind: names, default: "", meaning: "Volumes with one of these labels are taken as cards whatever is on them; every volume with a camera's folders is one anyway." },
  RESCAN:           { kind: choice(RESCANS), default: "sampled", meaning: "How a known card is looked at again: stat trusts size and time, sampled also reads the beginning of files, full reads every byte. A folder on the library's own disk is trusted unless this is set." },

  DROP_DIR:         { kind: optional(path), default: "", meaning: "A folder of this machine that is watched like a card: for a camera's FTP, a tethering program or a phone share. Each file is taken once it has not grown for three seconds." },
  DROP_QUIET_SECONDS: { kind: integer(1, 3600, "seconds"), default: "15", meaning: "A burst of files ends when none has come for this long, and becomes a session with a gallery of its own; after five minutes at the latest." },

  SHARE_MAX_LONG_EDGE: { kind: integer(320, 16_384, "pixels"), default: "2048", meaning: "Long edge of the picture guests open: sharp on every phone and most screens." },
  SHARE_QUALITY:    { kind: integer(1, 100), default: "90", meaning: "JPEG quality of that picture: about 470 KB each, no artifacts to be seen." },
  THUMB_MAX_LONG_EDGE: { kind: integer(64, 2048, "pixels"), default: "480", meaning: "Long edge of a tile in the gallery: enough for two or three columns on a phone with a dense screen." },
  THUMB_QUALITY:    { kind: integer(1, 100), default: "78", meaning: "JPEG quality of a tile: about 25 KB instead of 45 KB at 85, with no difference to be seen at that size." },
  PROCESS_WORKERS:  { kind: integer(1, MAX_WORKERS), default: oneCoreLeft, meaning: "Pictures rendered at once: each takes one core and, at 45 megapixels, up to 700 MB." },
  RENDER_TIMEOUT_SECONDS: { kind: integer(5, 3600, "seconds"), default: "60", meaning: "A picture that takes longer has hung its decoder, which is ended; the original is kept." },
  MAX_MEGAPIXELS:   { kind: integer(1, 2000, "megapixels"), default: "160", meaning: "Larger pictures are kept but not rendered: beyond any camera's own size they are panoramas, or made to exhaust the memory." },

  S3_BUCKET:        { kind: optional(BUCKET), default: "", meaning: "The bucket galleries go to; empty keeps them in the library and serves them from this machine." },
  S3_PREFIX_ROOT:   { kind: text("letters, digits and any of - _ . /", /^\/*[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\/*$/), default: "ghostroll", meaning: "Folder in the bucket, so that it can hold other things too." },
  S3_ENDPOINT:      { kind: optional(address), default: "", meaning: "Address of an S3-compatible store; empty is Amazon's own." },
  S3_REGION:        { kind: text("letters, digits and -", /^[A-Za-z0-9-]+$/), default: { words: "AWS_REGION, else us-east-1", from: (known) => known.awsRegion ?? "us-east-1" }, meaning: "Region of the bucket; it is part of every signature." },
  S3_FORCE_PATH_STYLE: { kind: boolean, default: { words: "true when GHOSTROLL_S3_ENDPOINT is set", from: (known) => String(known.textOf("S3_ENDPOINT") !== "") }, meaning: "Put the bucket into the path instead of the host name, as most stores other than Amazon's need it." },
  PRESIGN_EXPIRY_SECONDS: { kind: integer(60, 604_800, "seconds"), default: "604800", meaning: "How long links work: seven days is the longest a signature can last (SigV4)." },
  SHARE:            { kind: choice(SHARE_MODES), default: { words: "presigned with GHOSTROLL_S3_BUCKET, else lan", from: (known) => known.textOf("S3_BUCKET") === "" ? "lan" : "presigned" }, meaning: "How guests open a gallery: presigned by a long link that ends after seven days; capability by a short one that lasts, from a part of the bucket that anyone may read, with pictures that stay private; cdn by your own domain in front of the bucket; lan from this machine. docs/sharing.md says what each needs." },
  SHARE_BUCKET:     { kind: optional(BUCKET), default: "", meaning: "With capability: another bucket for the pages, which anyone may read, so that the one with the pictures can refuse all public access; empty puts them into the same." },
  SHARE_URL:        { kind: optional(address), default: "", meaning: "With capability and cdn: the address that GHOSTROLL_S3_PREFIX_ROOT in the bucket has for guests, as in https://photos.example.org/ghostroll; empty is the bucket's own address." },
  PRESIGN_ACCESS_KEY_ID: { kind: secret("the id of an access key", WORD), default: "", meaning: "Access key that signs links in the place of AWS_ACCESS_KEY_ID: one that may read galleries and nothing else (docs/iam/presigner.json), so that no link can reach an original. Replacing it ends every link." },
  PRESIGN_SECRET_ACCESS_KEY: { kind: secret("the secret of that key", WORD), default: "", meaning: "Its secret." },
  UPLOAD_WORKERS:   { kind: integer(1, MAX_WORKERS), default: "8", meaning: "Objects sent at once: enough to hide the round trips of small files on a home uplink." },

  UPLOAD_MBPS:      { kind: integer(0, 100_000, "megabits a second"), default: "0", meaning: "How much of the uplink uploads may take in all, in megabits a second; 0 takes what there is." },
  UPLOAD_ORIGINALS: { kind: choice(["none", "raw", "all"]), default: "none", meaning: "Which originals go to the bucket too, for yourself and never for guests: after all galleries, each content once. raw is RAW files only; all makes the bucket a second copy of the library." },

  WEB_HOST:         { kind: text("a host name or IP address", /^[A-Za-z0-9.:_-]+$/), default: "127.0.0.1", meaning: "Where the web server listens: this machine only, unless told otherwise; 0.0.0.0 opens it to the network." },
  WEB_PORT:         { kind: integer(0, 65_535), default: "8081", meaning: "Its port; 0 takes any free one." },
  WEB_URL:          { kind: optional(address), default: "", meaning: "Address put into links when guests reach this machine under another name; empty uses host and port." },
  STATION:          { kind: text("at most 32 small letters, digits and dashes", /^[a-z0-9][a-z0-9-]{0,31}$/), default: { words: "the name of this machine", from: (known) => known.hostName }, meaning: "What this box is called where several fill one bucket; four random letters are added, since machines are often called alike." },
  GALLERY:          { kind: optional(text("at most 80 characters in one line", /^(?=.*\S)[^\p{Cc}]{1,80}$/u)), default: "", meaning: "Name of a gallery that cards of this and other boxes with the same bucket fill together; empty gives each card one of its own." },
  GALLERY_TITLE:    { kind: text("at most 120 characters in one line", /^[^\p{Cc}]{1,120}$/u, true), default: "", meaning: "Title of the galleries; empty names the card and the day, or takes the name in GHOSTROLL_GALLERY." },
  ZIPS:             { kind: boolean, default: "true", meaning: "Let guests download all pictures of a complete gallery at once, as zips of at most 1 GB. They are made and uploaded after everything else, and take as much room in the store as the pictures guests open." },

  LINK_PREVIEW:     { kind: boolean, default: "true", meaning: "Let messengers show the first photo beside a link: whoever runs them fetches it. With false they show title and number of photos only." },

  ON_EVENT:         { kind: optional(text("a shell command in one line", /^[^\p{Cc}]+$/u)), default: "", meaning: "Runs at card-inserted, card-kept (also when nothing was new), safe-to-format, card-removed, gallery-open, gallery-complete, link-ends and trouble, with GHOSTROLL_EVENT, _CARD, _MESSAGE and _LINK in its environment: for an LED, a buzzer or a text message." },

  TEXT_TO:          { kind: recipients, default: "", meaning: "Who gets a message when a gallery opens and when it is complete or needs somebody: twilio:+4917012345678, sns:+…, ntfy:https://ntfy.sh/topic, telegram:<number of a chat>, webhook:https://…, command:/path/of/a/program, separated by commas. LABEL= before one, as in EOS_DIGITAL=twilio:+4917012345678, lets it hear of that card only." },
  TWILIO_ACCOUNT_SID: { kind: optional(text("AC and 32 letters or digits", /^AC[0-9a-zA-Z]{32}$/)), default: "", meaning: "Account at Twilio that sends the texts to twilio: recipients." },
  TWILIO_AUTH_TOKEN: { kind: secret("the token that Twilio's console shows", WORD), default: "", meaning: "Its secret." },
  TWILIO_FROM:      { kind: optional(text("a number with + and the country, a name of at most 11 characters, or the id of a messaging service (MG…)", /^(\+[1-9]\d{6,14}|MG[0-9a-zA-Z]{32}|[A-Za-z0-9 ]{1,11})$/)), default: "", meaning: "What those texts come from: a number of that account, a name where the country allows it, or a messaging service." },
  NTFY_TOKEN:       { kind: secret("an access token", WORD), default: "", meaning: "Access token for protected topics; it is sent to every ntfy: recipient, so let them be on one server." },
  TELEGRAM_TOKEN:   { kind: secret("the token that @BotFather gave you", /^\d+:[A-Za-z0-9_-]+$/), default: "", meaning: "Token of the bot that writes to telegram: recipients." },
  WEBHOOK_SECRET:   { kind: secret("any characters without blanks", WORD), default: "", meaning: "Signs what webhook: recipients get: X-GhostRoll-Signature is sha256= and the hex HMAC of the body." },

  LOG_LEVEL:        { kind: choice(["debug", "info", "warn", "error", "silent"]), default: "info", meaning: "One line a session at info, one line a file at debug." },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** The value of each setting, read and checked. */
export type Values = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name]["kind"] extends Kind<infer Value> ? Value : never;
};
