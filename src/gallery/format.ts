/** What the room writes as JSON and the script in `templates/` reads: one definition for both sides. */

/**
 * The parts of a gallery's links that all share: a picture is at `folder + "p/" + hash + "-thumb.jpg" + tail + signature`.
 * A full link per picture would cost ten times as much.
 */
export interface LinkParts {
  /** Absolute address of everything below `g/<slug>/`, with the slash at its end. */
  readonly folder: string;
  /** `?`, the common query and the name of the signature, up to and with its `=`. */
  readonly tail: string;
}

/** One photo. Two signatures and a hash are 96 bytes that nothing compresses, so all else is short. */
export type Entry = readonly [
  /** Empty when there is no picture to show. */
  hash: string,
  thumbSignature: string,
  shareSignature: string,
  /** `rrggbb` or empty. */
  color: string,
  /** Seconds of the camera's own clock, or `null`. */
  takenSeconds: number | null,
  shareWidth: number,
  shareHeight: number,
  name: string,
  exposure: string,
  camera: string,
  lens: string,
  /** What kind of file it is, for people; empty for a plain picture. Left out, with the note, when both are empty. */
  kind?: string,
  note?: string,
];

/** `m/<n>.json`: up to `CHUNK_ENTRIES` photos. */
export interface Chunk {
  /** Changes with the content; the index names the one it was made with. */
  readonly version: string;
  readonly links: LinkParts;
  readonly entries: readonly Entry[];
}

/** A heading and where it stands: position of its first photo, day or empty, time of day or empty. */
export type Group = readonly [start: number, day: string, time: string];

/** `i.json`: all that is needed to lay out every photo before any chunk is loaded. */
export interface Index {
  readonly state: "uploading" | "complete";
  readonly count: number;
  /** How much that is, in words: `52 photos, 1 video`. */
  readonly shown: string;
  /** `Available until Sat 26 Sep`, or empty. */
  readonly until: string;
  /** Position of the photo shown large at the top, or -1. */
  readonly hero: number;
  /** A byte a photo in base64: 64 × width / height, 0 when there is no picture. */
  readonly aspects: string;
  readonly groups: readonly Group[];
  readonly links: LinkParts;
  /** Those of this index and of the chunks, which need no signature in some modes. */
  readonly pages: LinkParts;
  /** Signature of this index itself, so that an open page gets a fresh link with every refresh. */
  readonly signature: string;
  readonly chunks: readonly (readonly [version: string, signature: string])[];
  readonly chunkEntries: number;
  /** Where they are, with the slash at its end: in a shared gallery each station has its own. */
  readonly folder: string;
  /** Of a shared gallery: what it was made of, and whose parts those are. */
  readonly version?: string;
  readonly stations?: readonly string[];
  /** Signed links to the lightbox: its library, our part of it, its style. */
  readonly lightbox: readonly [library: string, ours: string, style: string];
}

/** What the shell hands to its script. */
export interface ShellData {
  readonly index: string;
  readonly locale: string;
  readonly words: ScriptWords;
  /** Of a shared gallery: what it was made of. */
  readonly version?: string;
}

/** A sentence by plural category (Intl.PluralRules); `{n}` is the number. */
export type Plural = { readonly one: string; readonly other: string };

/** The strings the script needs. */
export interface ScriptWords {
  readonly newPhotos: Plural;
  readonly newFiles: Plural;
  readonly photo: string;
  readonly noPreview: string;
  readonly endTitle: string;
  readonly endText: string;
  readonly tryAgain: string;
  readonly viewer: string;
  readonly close: string;
  readonly zoom: string;
  readonly previous: string;
  readonly next: string;
  readonly notLoaded: string;
}
