/** Whom a failure stops. `file`: this file only. `session`: this card, for now. `command`: what was asked. */
type Stops = "file" | "session" | "command";

interface Policy {
  readonly stops: Stops;
  /** Whether the same step, repeated later without a person, can succeed. */
  readonly retry: boolean;
  /** Process exit code when this is what ended the command; sysexits(3) where one fits. */
  readonly exit: number;
  /** What the person can do, in plain words. */
  readonly hint: string;
}

/** Every failure there is. A room translates foreign errors into these once, at its edge; anything else is a bug. */
// biome-ignore format: a table reads in columns
export const FAILURES = {
  "file-unreadable":     { stops: "file",    retry: true,  exit: 3,  hint: "Clean the card's contacts or try another reader, then insert the card again." },
  "file-changed":        { stops: "file",    retry: true,  exit: 3,  hint: "Something else writes to this card or folder: insert it again when that is done." },
  "file-silent":         { stops: "file",    retry: true,  exit: 3,  hint: "Clean the card's contacts or try another reader, then insert the card again." },
  "file-refused":        { stops: "file",    retry: false, exit: 3,  hint: "Only regular files are taken from a card." },
  "image-undecodable":   { stops: "file",    retry: false, exit: 3,  hint: "The file itself is kept as it is; only its picture is missing." },
  "source-differs":      { stops: "file",    retry: false, exit: 3,  hint: "Do not format the card. Clean its contacts or try another reader, and insert it again with --verify-source." },
  "original-damaged":    { stops: "file",    retry: false, exit: 74, hint: "The disk of the library is losing data: check it, and insert the card again with --rescan full if you still have it." },
  "card-missing":        { stops: "command", retry: false, exit: 74, hint: "Check the path, and that the card is mounted." },
  "card-unreadable":     { stops: "command", retry: true,  exit: 74, hint: "Clean the card's contacts or try another reader, and insert it again." },
  "card-forbidden":      { stops: "command", retry: true,  exit: 74, hint: "Let that user read it: mount the card with that number as uid=, or give the right with `chmod`. Cards that GhostRoll's own unit mounts can be read." },
  "card-empty":          { stops: "command", retry: false, exit: 74, hint: "Is it the right card or folder?" },
  "card-removed":        { stops: "session", retry: true,  exit: 74, hint: "Insert the card again: it goes on where it was." },
  "card-unresponsive":   { stops: "session", retry: true,  exit: 74, hint: "Take it out, clean its contacts or try another reader, and insert it again: it goes on where it was." },
  "disk-full":           { stops: "session", retry: true,  exit: 75, hint: "Free some space, or point GHOSTROLL_BASE_DIR to a larger disk. It goes on where it was: by itself while the card stays in, or when you run it again." },
  "disk-unwritable":     { stops: "session", retry: true,  exit: 74, hint: "Check the disk that GHOSTROLL_BASE_DIR is on; nothing was taken as kept that is not." },
  "copy-unproved":       { stops: "session", retry: true,  exit: 74, hint: "The copy read back differs from the card: check the disk, its cable and the memory of this machine." },
  "second-missing":      { stops: "session", retry: true,  exit: 75, hint: "The originals are kept in the library. Plug the second disk in: the rest is copied there at the next run." },
  "second-full":         { stops: "session", retry: true,  exit: 75, hint: "The originals are kept in the library. Free some space on the second disk, or name a folder on a larger one in GHOSTROLL_SECOND_DIR." },
  "second-unwritable":   { stops: "session", retry: true,  exit: 75, hint: "The originals are kept in the library. Check the disk that GHOSTROLL_SECOND_DIR is on." },
  "remote-unreachable":  { stops: "session", retry: true,  exit: 75, hint: "The originals are kept. Check the network and GHOSTROLL_S3_ENDPOINT; run it again and the rest is uploaded." },
  "remote-refused":      { stops: "session", retry: false, exit: 78, hint: "The originals are kept. Check the access keys and what they may do in the bucket." },
  "remote-unfit":        { stops: "session", retry: false, exit: 78, hint: "The originals are kept. Check GHOSTROLL_S3_ENDPOINT and GHOSTROLL_S3_REGION: docs/providers.md has the settings of each store." },
  "remote-no-bucket":    { stops: "session", retry: false, exit: 78, hint: "The originals are kept. Create the bucket or correct GHOSTROLL_S3_BUCKET." },
  "remote-full":         { stops: "session", retry: true,  exit: 75, hint: "The originals are kept. Make room in the bucket or raise its quota: the rest is uploaded then." },
  "remote-corrupt":      { stops: "session", retry: true,  exit: 75, hint: "The bucket holds other bytes than were sent; run it again to send them once more." },
  "remote-unconditional": { stops: "session", retry: false, exit: 78, hint: "The originals are kept. Leave GHOSTROLL_GALLERY empty for the next cards, or let GHOSTROLL_S3_BUCKET name one in a store that does." },
  "gallery-gone":        { stops: "session", retry: true,  exit: 75, hint: "The originals are kept. Run it again: what is not shown yet gets a new gallery of that name, with a new link." },
  "clock-unset":         { stops: "session", retry: true,  exit: 75, hint: "The originals are kept. Set the clock (`timedatectl` says whether it follows the network's), and run it again: the gallery opens then." },
  "gallery-revoked":     { stops: "session", retry: false, exit: 64, hint: "`ghostroll share SESSION --renew` opens it again, under a new link." },
  "revoke-unfinished":   { stops: "session", retry: false, exit: 78, hint: "Check the access key: docs/iam/revoker.json has what it needs to take galleries down. `ghostroll retry` then removes what is left." },
  "gallery-unseen":      { stops: "command", retry: true,  exit: 75, hint: "`ghostroll status` says what it waits for." },
  "catalog-unusable":    { stops: "command", retry: false, exit: 74, hint: "Do not delete anything: the originals are in the library." },
  "catalog-lost":        { stops: "command", retry: false, exit: 74, hint: "`ghostroll rebuild` makes it again from the library: nothing is lost, and links stay the same." },
  "library-missing":     { stops: "command", retry: true,  exit: 74, hint: "Mount the library's disk, or correct GHOSTROLL_BASE_DIR. If the originals are gone for good, make that folder: cards that still have them give them again." },
  "original-rotten":     { stops: "command", retry: false, exit: 3,  hint: "Check the disk of the library soon. `ghostroll verify --repair` puts good copies back where there are any; a card that still has them gives them again." },
  "catalog-busy":        { stops: "command", retry: true,  exit: 75, hint: "Another GhostRoll is working on this library; wait for it or stop it." },
  "settings-invalid":    { stops: "command", retry: false, exit: 78, hint: "Correct the settings named above; `ghostroll config` shows them all." },
  "usage":               { stops: "command", retry: false, exit: 64, hint: "`ghostroll --help` shows the commands." },
  "install-failed":      { stops: "command", retry: true,  exit: 74, hint: "Correct that and run it again: what is done already stays." },
  "port-in-use":         { stops: "command", retry: false, exit: 75, hint: "Stop the other program or set GHOSTROLL_WEB_PORT to a free port." },
  "worker-died":         { stops: "session", retry: true,  exit: 70, hint: "A worker process ended by itself; the log says how." },
  "worker-late":         { stops: "session", retry: true,  exit: 70, hint: "Something that was asked of this machine took far too long; the log says what." },
  "interrupted":         { stops: "command", retry: true,  exit: 130, hint: "Run it again: it goes on where it was." },
} as const satisfies Record<string, Policy>;

export type FailureCode = keyof typeof FAILURES;

/** Something that is expected to go wrong. Its message is a sentence for a person; `cause` keeps the foreign error. */
export class Failure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
    this.code = code;
  }

  get policy(): Policy {
    return FAILURES[this.code];
  }

  static is(error: unknown, stops?: Stops): error is Failure {
    return error instanceof Failure && (stops === undefined || error.policy.stops === stops);
  }
}
